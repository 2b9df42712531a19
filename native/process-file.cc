// Files as a process sees them, and where probes may go in them. The process, its files and who asks may all be
// hostile: nothing is opened outside of the process's root, nothing but a regular file is opened at all, and no probe
// goes anywhere but to the beginning of an instruction.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "addon.h"
#include "arguments.h"
#include "background.h"
#include "descriptor.h"
#include "elf-file.h"
#include "failure.h"
#include "instruction.h"

namespace telegen {
namespace {

constexpr int64_t kFileBytesMax = int64_t{1} << 30;
constexpr uint32_t kPlacesMax = 1024;
constexpr uint64_t kFunctionBytesMax = 16 * 1024 * 1024;
// The kernel gives up where something was renamed meanwhile.
constexpr int kAttemptsMax = 8;
#ifdef __aarch64__
constexpr uint16_t kMachine = EM_AARCH64;
#else
constexpr uint16_t kMachine = EM_X86_64;
#endif

// Links are followed as the process would, and never out of its root; those of /proc, which know no root, are not.
Descriptor OpenBelow(const Descriptor &root, const std::string &path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0; attempt < kAttemptsMax; attempt++) {
    Descriptor file(static_cast<int>(syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof(how))));
    if (file || (errno != EAGAIN && errno != EINTR)) return file;
  }
  return Descriptor();
}

// `process` is a folder of /proc, opened: whatever becomes of the number, it is of this one process.
Descriptor OpenInRoot(int process, const std::string &path) {
  const Descriptor root(openat(process, "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) throw Failure(errno, "open root of the process");
  const Descriptor file = OpenBelow(root, path);
  if (!file) throw Failure(errno, "open", path);
  struct stat about {};
  if (fstat(file.get(), &about) != 0) throw Failure(errno, "stat", path);
  // Before it is opened to be read: to open a device is to use it.
  if (!S_ISREG(about.st_mode)) throw Failure(EACCES, "open", path, "not a regular file");
  if (about.st_size > kFileBytesMax) throw Failure(EFBIG, "open", path, "larger than 1 GiB");
  const std::string same = "/proc/self/fd/" + std::to_string(file.get());
  Descriptor readable(open(same.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!readable) throw Failure(errno, "open", path);
  return readable;
}

Napi::Value OpenInRootOf(const Napi::CallbackInfo &info) {
  const int process = DescriptorFrom(info[0], "process");
  const std::string path = TextFrom(info[1], "path");
  return Background<std::shared_ptr<Descriptor>>::Run(
      info.Env(), "openInRoot", [process, path] { return std::make_shared<Descriptor>(OpenInRoot(process, path)); },
      [](Napi::Env env, std::shared_ptr<Descriptor> file) { return Napi::Number::New(env, file->Release()); });
}

struct Code {
  uint64_t address;
  // Of the symbol that covers it; the innermost where one lies within another.
  uint64_t function = 0;
  uint64_t size = 0;
};

void CheckBoundary(const ElfFile &file, const Code &code, uint64_t offset) {
  const std::string where = "the offset " + std::to_string(offset);
  if (code.size == 0) throw Failure(ENOENT, "find", file.path(), where + " is in no function that has a symbol");
  const uint64_t within = code.address - code.function;
  if (within == 0) return;
  const Failure amid(EINVAL, "find", file.path(), where + " is amid an instruction, or past what is understood");
  if (file.machine() == EM_AARCH64) {
    if (offset % 4 != 0) throw amid;
    return;
  }
  const std::vector<uint8_t> bytes = file.Read(offset - within, code.size, kFunctionBytesMax, "function");
  uint64_t at = 0;
  while (at < within) {
    const size_t length = InstructionAt(bytes.data() + at, bytes.size() - at).length;
    if (length == 0) throw amid;
    at += length;
  }
  if (at != within) throw amid;
}

struct Asked {
  std::vector<std::string> names;
  std::vector<uint64_t> offsets;
};

// Of each name the function's beginning, then of each offset itself, once they are found to be in code that is loaded.
std::vector<uint64_t> ProbeOffsets(Descriptor descriptor, const std::string &path, const Asked &asked) {
  const ElfFile file(std::move(descriptor), path);
  if (file.machine() != kMachine) throw Failure(ENOEXEC, "find", path, "of another machine");
  std::unordered_map<std::string, std::optional<uint64_t>> named;
  for (const std::string &name : asked.names) named.emplace(name, std::nullopt);
  std::vector<Code> codes;
  for (const uint64_t offset : asked.offsets) {
    const auto address = file.CodeAddressOf(offset);
    if (!address) throw Failure(EINVAL, "find", path, "no code is loaded from the offset " + std::to_string(offset));
    codes.push_back({*address});
  }
  std::sort(codes.begin(), codes.end(),
            [](const Code &left, const Code &right) { return left.address < right.address; });
  file.EachFunction([&](const ElfFunction &function) {
    const auto found = named.find(std::string(function.name));
    if (found != named.end() && !found->second) {
      const auto place = file.PlaceOf(function.address);
      if (place && file.CodeAddressOf(place->offset) == function.address) found->second = place->offset;
    }
    auto code = std::lower_bound(codes.begin(), codes.end(), function.address,
                                 [](const Code &each, uint64_t address) { return each.address < address; });
    for (; code != codes.end() && code->address - function.address < function.size; ++code) {
      if (code->size != 0 && code->function > function.address) continue;
      code->function = function.address;
      code->size = function.size;
    }
  });
  std::vector<uint64_t> places;
  for (const std::string &name : asked.names) {
    if (!named[name]) throw Failure(ENOENT, "find", path, "it has no function " + name);
    places.push_back(*named[name]);
  }
  for (const uint64_t offset : asked.offsets) {
    const uint64_t address = *file.CodeAddressOf(offset);
    const auto code = std::lower_bound(codes.begin(), codes.end(), address,
                                       [](const Code &each, uint64_t wanted) { return each.address < wanted; });
    CheckBoundary(file, *code, offset);
    places.push_back(offset);
  }
  return places;
}

Asked AskedFrom(Napi::Value names, Napi::Value offsets) {
  Asked asked;
  const Napi::Array of_names = ArrayFrom(names, "names", kPlacesMax);
  for (uint32_t index = 0; index < of_names.Length(); index++)
    asked.names.push_back(TextFrom(of_names.Get(index), "name"));
  const Napi::Array of_offsets = ArrayFrom(offsets, "offsets", kPlacesMax);
  for (uint32_t index = 0; index < of_offsets.Length(); index++)
    asked.offsets.push_back(static_cast<uint64_t>(IntegerFrom(of_offsets.Get(index), "offset", 0, kFileBytesMax)));
  return asked;
}

Napi::Value ProbeOffsetsOf(const Napi::CallbackInfo &info) {
  const int given = DescriptorFrom(info[0]);
  const std::string path = TextFrom(info[1], "path");
  const Asked asked = AskedFrom(info[2], info[3]);
  // Of its own, so that it stays open until the work is done.
  auto descriptor = std::make_shared<Descriptor>(fcntl(given, F_DUPFD_CLOEXEC, 0));
  if (!*descriptor) throw Failure(errno, "find", path).ToError(info.Env());
  return Background<std::vector<uint64_t>>::Run(
      info.Env(), "probeOffsets",
      [descriptor, path, asked] { return ProbeOffsets(std::move(*descriptor), path, asked); },
      [](Napi::Env env, const std::vector<uint64_t> &places) {
        Napi::Array answer = Napi::Array::New(env, places.size());
        for (uint32_t index = 0; index < places.size(); index++)
          answer.Set(index, Napi::Number::New(env, static_cast<double>(places[index])));
        return answer;
      });
}

}  // namespace

void InitProcessFile(Napi::Env env, Napi::Object exports) {
  Napi::Object files = Napi::Object::New(env);
  files.Set("openInRoot", Napi::Function::New(env, OpenInRootOf, "openInRoot"));
  files.Set("probeOffsets", Napi::Function::New(env, ProbeOffsetsOf, "probeOffsets"));
  exports.Set("processFiles", files);
}

}  // namespace telegen
