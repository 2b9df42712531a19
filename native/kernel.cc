// What the kernel tells of itself and of all that is loaded into it.
#include "kernel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "addon.h"
#include "arguments.h"
#include "descriptor.h"
#include "failure.h"
#include "program-info.h"

namespace telegen {
namespace {

// Far more than a machine has; an id is never given twice while the walk goes on upwards, so this is only a belt.
constexpr size_t kListedMax = 1 << 20;
// Those of the terminal belong to the process as a whole.
constexpr int kDescriptorLeast = 3;

struct LinkTypes {
  uint32_t id;
  std::string type;
  uint32_t program;
};

std::string OrNumber(const char *name, uint32_t number) { return name ? name : std::to_string(number); }

// Calls `open` for each id that `next` finds; what goes away in between is passed over.
template <typename Next, typename Open, typename See>
void ForEach(const char *step, Next next, Open open, See see) {
  uint32_t id = 0;
  for (size_t count = 0; count < kListedMax; count++) {
    if (next(id, &id) < 0) {
      if (errno == ENOENT) return;
      throw Failure(errno, step);
    }
    const Descriptor descriptor(open(id));
    if (descriptor) {
      see(descriptor.get());
    } else if (errno != ENOENT) {
      throw Failure(errno, step, std::to_string(id));
    }
  }
}

LinkTypes TypesOf(int link) {
  bpf_link_info info;
  memset(&info, 0, sizeof(info));
  uint32_t length = sizeof(info);
  const int result = bpf_obj_get_info_by_fd(link, &info, &length);
  if (result < 0) throw Failure(result, "list links");
  return {info.id, OrNumber(libbpf_bpf_link_type_str(static_cast<bpf_link_type>(info.type)), info.type), info.prog_id};
}

Napi::Value Programs(const Napi::CallbackInfo &call) {
  return Guarded(call.Env(), [&]() -> Napi::Value {
    std::vector<ProgramCounts> programs;
    ForEach("list programs", bpf_prog_get_next_id, bpf_prog_get_fd_by_id,
            [&](int program) { programs.push_back(CountsOf(program)); });
    return ProgramInfos(call.Env(), programs);
  });
}

Napi::Value Links(const Napi::CallbackInfo &call) {
  return Guarded(call.Env(), [&]() -> Napi::Value {
    Napi::Array list = Napi::Array::New(call.Env());
    ForEach("list links", bpf_link_get_next_id, bpf_link_get_fd_by_id, [&](int descriptor) {
      const LinkTypes link = TypesOf(descriptor);
      Napi::Object entry = Napi::Object::New(call.Env());
      entry.Set("id", link.id);
      entry.Set("type", link.type);
      entry.Set("programId", link.program);
      list.Set(list.Length(), entry);
    });
    return list;
  });
}

void DetachLink(const Napi::CallbackInfo &call) {
  Guarded(call.Env(), [&] {
    const auto id = static_cast<uint32_t>(IntegerFrom(call[0], "id", 1, UINT32_MAX));
    const Descriptor link(bpf_link_get_fd_by_id(id));
    if (!link || bpf_link_detach(link.get()) < 0) throw Failure(errno, "detach link", std::to_string(id));
  });
}

void CloseDescriptor(const Napi::CallbackInfo &call) {
  Guarded(call.Env(), [&] {
    const auto descriptor = static_cast<int>(IntegerFrom(call[0], "descriptor", kDescriptorLeast, INT32_MAX));
    if (close(descriptor) < 0) throw Failure(errno, "close", std::to_string(descriptor));
  });
}

Napi::Value EnableStats(const Napi::CallbackInfo &call) {
  return Guarded(call.Env(), [&]() -> Napi::Value {
    const int descriptor = bpf_enable_stats(BPF_STATS_RUN_TIME);
    if (descriptor < 0) throw Failure(errno, "enable statistics");
    return Napi::Number::New(call.Env(), descriptor);
  });
}

Napi::Value FunctionParameters(const Napi::CallbackInfo &call) {
  const std::string name = TextFrom(call[0], "name");
  int parameters = -1;
  // Read anew each time: a tracer asks once or twice as it starts, and its megabytes would stay for good.
  if (const std::unique_ptr<btf, void (*)(btf *)> types(btf__load_vmlinux_btf(), btf__free); types) {
    const int id = btf__find_by_name_kind(types.get(), name.c_str(), BTF_KIND_FUNC);
    const btf_type *function = id > 0 ? btf__type_by_id(types.get(), id) : nullptr;
    const btf_type *prototype = function ? btf__type_by_id(types.get(), function->type) : nullptr;
    if (prototype) parameters = btf_vlen(prototype);
  }
  return Napi::Number::New(call.Env(), parameters);
}

}  // namespace

ProgramCounts CountsOf(int program) {
  bpf_prog_info info;
  memset(&info, 0, sizeof(info));
  uint32_t length = sizeof(info);
  const int result = bpf_obj_get_info_by_fd(program, &info, &length);
  if (result < 0) throw Failure(result, "info");
  return {info.id, info.name, OrNumber(libbpf_bpf_prog_type_str(static_cast<bpf_prog_type>(info.type)), info.type),
          info.run_time_ns, info.run_cnt};
}

Napi::Array ProgramInfos(Napi::Env env, const std::vector<ProgramCounts> &programs) {
  Napi::Array list = Napi::Array::New(env, programs.size());
  for (uint32_t index = 0; index < programs.size(); index++) {
    const ProgramCounts &program = programs[index];
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("id", program.id);
    entry.Set("name", program.name);
    entry.Set("type", program.type);
    entry.Set("runTime", static_cast<double>(program.run_time));
    entry.Set("runs", static_cast<double>(program.runs));
    list.Set(index, entry);
  }
  return list;
}

void InitKernel(Napi::Env env, Napi::Object exports) {
  exports.Set("programs", Napi::Function::New(env, Programs, "programs"));
  exports.Set("links", Napi::Function::New(env, Links, "links"));
  exports.Set("detachLink", Napi::Function::New(env, DetachLink, "detachLink"));
  exports.Set("closeDescriptor", Napi::Function::New(env, CloseDescriptor, "closeDescriptor"));
  exports.Set("enableStats", Napi::Function::New(env, EnableStats, "enableStats"));
  exports.Set("functionParameters", Napi::Function::New(env, FunctionParameters, "functionParameters"));
}

}  // namespace telegen
