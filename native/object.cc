#include "object.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "failure.h"
#include "libbpf-warnings.h"
#include "verifier-log.h"

namespace telegen {
namespace {

constexpr uint64_t kRingBytesMax = uint64_t{1} << 31;

bool StartsWith(const std::string &text, const char *start) { return text.compare(0, strlen(start), start) == 0; }

// libbpf 1.1 does not know these sections, and leaves such a program without a type.
void SetUprobeMulti(bpf_program *program) {
  const std::string section = bpf_program__section_name(program);
  if (!StartsWith(section, "uprobe.multi") && !StartsWith(section, "uretprobe.multi")) return;
  bpf_program__set_type(program, BPF_PROG_TYPE_KPROBE);
  bpf_program__set_expected_attach_type(program, static_cast<bpf_attach_type>(kAttachUprobeMulti));
}

void LeaveOut(bpf_object *object, const ObjectSpec &spec) {
  for (const std::string &name : spec.without) {
    bpf_program *program = bpf_object__find_program_by_name(object, name.c_str());
    if (!program) throw Failure(ENOENT, "open", name, spec.name + " has no program of this name");
    bpf_program__set_autoload(program, false);
  }
}

void SetMapSizes(bpf_object *object, const ObjectSpec &spec) {
  for (const auto &[name, size] : spec.map_sizes) {
    bpf_map *map = bpf_object__find_map_by_name(object, name.c_str());
    if (!map) throw Failure(ENOENT, "map sizes", name, spec.name + " has no map of this name");
    // Of a section, libbpf would unmap as much memory as so many entries take, far beyond what it had mapped.
    if (bpf_map__is_internal(map)) throw Failure(EPERM, "map sizes", name, "it is a section, and as large as that is");
    const bool ring = bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF;
    const int result = bpf_map__set_max_entries(map, ring ? RingBytes(size) : size);
    if (result < 0) throw Failure(result, "map sizes", name);
  }
}

// libbpf takes whatever it is given; a map of another shape would be read and written beyond its values.
void CheckShape(const bpf_map *map, int descriptor) {
  bpf_map_info info;
  memset(&info, 0, sizeof(info));
  uint32_t length = sizeof(info);
  const std::string name = bpf_map__name(map);
  const int result = bpf_obj_get_info_by_fd(descriptor, &info, &length);
  if (result < 0) throw Failure(result, "shared map", name);
  if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
      info.value_size != bpf_map__value_size(map)) {
    throw Failure(EINVAL, "shared map", name, "type or sizes of the map given are not those of the object's");
  }
}

void ShareMaps(bpf_object *object, const ObjectSpec &spec) {
  for (const auto &[name, descriptor] : spec.shared_maps) {
    bpf_map *map = bpf_object__find_map_by_name(object, name.c_str());
    if (!map) continue;
    CheckShape(map, descriptor);
    const int result = bpf_map__reuse_fd(map, descriptor);
    if (result < 0) throw Failure(result, "shared map", name);
  }
}

void Load(bpf_object *object, const ObjectSpec &spec, const VerifierLog &log) {
  const LibbpfWarnings warnings;
  const int result = bpf_object__load(object);
  if (result >= 0) return;
  const std::string refusal = log.Refusal();
  const std::string reason = refusal.empty() ? warnings.First() : refusal;
  const std::string program = warnings.Named("prog");
  const std::string map = program.empty() ? warnings.Named("map") : "";
  if (!map.empty()) throw Failure(result, "create map", map, reason);
  throw Failure(result, "load", program.empty() ? spec.name : program, reason, log.End());
}

}  // namespace

uint32_t RingBytes(uint32_t at_least) {
  uint64_t bytes = static_cast<uint64_t>(getpagesize());
  while (bytes < at_least && bytes < kRingBytesMax) bytes *= 2;
  return static_cast<uint32_t>(bytes);
}

Object::Object(const ObjectSpec &spec) : name_(spec.name) {
  VerifierLog log;
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = spec.name.c_str());
  options.kernel_log_buf = log.data();
  options.kernel_log_size = VerifierLog::kBytes;
  {
    const LibbpfWarnings warnings;
    object_.reset(bpf_object__open_mem(spec.elf.data(), spec.elf.size(), &options));
    if (!object_) throw Failure(errno, "open", spec.name, warnings.First());
  }
  LeaveOut(object_.get(), spec);
  SetConstants(object_.get(), spec);
  SetMapSizes(object_.get(), spec);
  ShareMaps(object_.get(), spec);
  bpf_program *program;
  bpf_object__for_each_program(program, object_.get()) SetUprobeMulti(program);
  Load(object_.get(), spec, log);
  bpf_object__for_each_program(program, object_.get()) {
    if (bpf_program__autoload(program)) program_names_.push_back(bpf_program__name(program));
  }
}

Object::~Object() { Close(); }

int Object::Map(const std::string &name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const bpf_map *map = object_ ? bpf_object__find_map_by_name(object_.get(), name.c_str()) : nullptr;
  if (!map) throw Failure(object_ ? ENOENT : EBADF, "map", name, name_ + (object_ ? " has no such map" : " is closed"));
  return bpf_map__fd(map);
}

bpf_program *Object::Program(const std::string &name, const char *step) {
  bpf_program *program = object_ ? bpf_object__find_program_by_name(object_.get(), name.c_str()) : nullptr;
  if (!object_) throw Failure(EBADF, step, name, name_ + " is closed");
  if (!program || !bpf_program__autoload(program))
    throw Failure(ENOENT, step, name, name_ + " has loaded no such program");
  return program;
}

uint32_t Object::Attach(const std::string &program, const Attachment *where) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::unique_ptr<Attached> attached = AttachProgram(Program(program, "attach"), where);
  const uint32_t handle = next_handle_++;
  attached_.emplace(handle, std::move(attached));
  return handle;
}

void Object::Detach(uint32_t handle) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (attached_.erase(handle) == 0) {
    throw Failure(ENOENT, "detach", name_, "nothing is attached by the handle " + std::to_string(handle));
  }
}

std::vector<ProgramCounts> Object::Counts() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<ProgramCounts> counts;
  for (const std::string &name : program_names_) {
    counts.push_back(CountsOf(bpf_program__fd(Program(name, "info"))));
    // The kernel keeps 15 characters of it.
    counts.back().name = name;
  }
  return counts;
}

void Object::Close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  attached_.clear();
  object_.reset();
}

}  // namespace telegen
