#include "maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "addon.h"
#include "arguments.h"
#include "failure.h"
#include "object.h"

namespace telegen {
namespace {

constexpr uint32_t kSizeMax = 64 * 1024 * 1024;

const std::pair<const char *, bpf_map_type> kTypes[] = {
    {"ringbuf", BPF_MAP_TYPE_RINGBUF},           {"hash", BPF_MAP_TYPE_HASH},   {"lru_hash", BPF_MAP_TYPE_LRU_HASH},
    {"percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY}, {"array", BPF_MAP_TYPE_ARRAY},
};

bool IsPerCpu(uint32_t type) {
  switch (type) {
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
      return true;
    default:
      return false;
  }
}

uint32_t PossibleCpus() {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) throw Failure(cpus, "count CPUs");
  return static_cast<uint32_t>(cpus);
}

// The kernel answers for a program or a link in the same way, with something else. Where an element is asked for
// afterwards, it refuses that.
void CheckIsMap(int descriptor) {
  char target[64] = {};
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  if (readlink(path.c_str(), target, sizeof(target) - 1) < 0) throw Failure(errno == ENOENT ? EBADF : errno, "info");
  if (strcmp(target, "anon_inode:bpf-map") != 0)
    throw Failure(EINVAL, "info", std::to_string(descriptor), "it is no map");
}

bpf_map_type TypeFrom(Napi::Value value) {
  const std::string name = TextFrom(value, "type");
  for (const auto &[known, type] : kTypes) {
    if (name == known) return type;
  }
  throw Napi::TypeError::New(value.Env(), "type must be one of ringbuf, hash, lru_hash, array, percpu_array");
}

Napi::Value CreateMap(const Napi::CallbackInfo &call) {
  const Napi::Object spec = ObjectFrom(call[0], "spec");
  const bpf_map_type type = TypeFrom(spec.Get("type"));
  const std::string name = TextFrom(spec.Get("name"), "name");
  const auto size = [&](const char *what, int64_t most) {
    return static_cast<uint32_t>(IntegerFrom(spec.Get(what), what, 0, most));
  };
  const uint32_t key = size("keySize", kSizeMax);
  const uint32_t value = size("valueSize", kSizeMax);
  const uint32_t entries = size("maxEntries", UINT32_MAX);
  LIBBPF_OPTS(bpf_map_create_opts, options);
  if (!spec.Get("flags").IsUndefined()) options.map_flags = size("flags", UINT32_MAX);
  return Guarded(call.Env(), [&]() -> Napi::Value {
    const uint32_t most = type == BPF_MAP_TYPE_RINGBUF ? RingBytes(entries) : entries;
    const int descriptor = bpf_map_create(type, name.c_str(), key, value, most, &options);
    if (descriptor < 0) throw Failure(errno, "create map", name);
    return Napi::Number::New(call.Env(), descriptor);
  });
}

Napi::Value Lookup(const Napi::CallbackInfo &call) {
  return Guarded(call.Env(), [&]() -> Napi::Value {
    const int map = DescriptorFrom(call[0]);
    const MapShape shape = ShapeOf(map, "lookup");
    const Bytes key = BytesFrom(call[1], "key", shape.key_bytes);
    const Bytes value = BytesFrom(call[2], "value", shape.value_bytes);
    const int result = bpf_map_lookup_elem(map, key.data, value.data);
    if (result < 0 && errno != ENOENT) throw Failure(errno, "lookup", shape.name);
    return Napi::Boolean::New(call.Env(), result >= 0);
  });
}

void Update(const Napi::CallbackInfo &call) {
  Guarded(call.Env(), [&] {
    const int map = DescriptorFrom(call[0]);
    const MapShape shape = ShapeOf(map, "update");
    const Bytes key = BytesFrom(call[1], "key", shape.key_bytes);
    const Bytes value = BytesFrom(call[2], "value", shape.value_bytes);
    if (bpf_map_update_elem(map, key.data, value.data, BPF_ANY) < 0) throw Failure(errno, "update", shape.name);
  });
}

Napi::Value Delete(const Napi::CallbackInfo &call) {
  return Guarded(call.Env(), [&]() -> Napi::Value {
    const int map = DescriptorFrom(call[0]);
    const MapShape shape = ShapeOf(map, "delete");
    const Bytes key = BytesFrom(call[1], "key", shape.key_bytes);
    const int result = bpf_map_delete_elem(map, key.data);
    if (result < 0 && errno != ENOENT) throw Failure(errno, "delete", shape.name);
    return Napi::Boolean::New(call.Env(), result >= 0);
  });
}

Napi::Value Read(const Napi::CallbackInfo &call) {
  return Guarded(call.Env(), [&]() -> Napi::Value {
    const int map = DescriptorFrom(call[0]);
    const Bytes keys = BytesFrom(call[1], "keys");
    const Bytes values = BytesFrom(call[2], "values");
    const bool remove = BooleanFrom(call[3], "remove");
    const MapShape shape = ShapeOf(map, "read");
    if (shape.key_bytes == 0 || shape.value_bytes == 0) {
      throw Failure(EINVAL, "read", shape.name, "a map of this type has no entries to read");
    }
    const size_t room = std::min(keys.length / shape.key_bytes, values.length / shape.value_bytes);
    const auto capacity = static_cast<uint32_t>(std::min<size_t>(room, UINT32_MAX));
    if (capacity == 0) throw Napi::TypeError::New(call.Env(), "keys and values must have room for one entry at least");
    return Napi::Number::New(call.Env(), ReadEntries(map, shape, keys.data, values.data, capacity, remove));
  });
}

Napi::Value Info(const Napi::CallbackInfo &call) {
  return Guarded(call.Env(), [&]() -> Napi::Value {
    const int map = DescriptorFrom(call[0]);
    CheckIsMap(map);
    const MapShape shape = ShapeOf(map, "info");
    Napi::Object info = Napi::Object::New(call.Env());
    info.Set("type", shape.type);
    info.Set("keySize", shape.key_bytes);
    info.Set("valueSize", shape.value_size);
    info.Set("maxEntries", shape.max_entries);
    info.Set("name", shape.name);
    return info;
  });
}

}  // namespace

MapShape ShapeOf(int map, const char *step) {
  bpf_map_info info;
  memset(&info, 0, sizeof(info));
  uint32_t length = sizeof(info);
  const int result = bpf_obj_get_info_by_fd(map, &info, &length);
  if (result < 0) throw Failure(result, step, std::to_string(map));
  const uint32_t each = (info.value_size + 7) / 8 * 8;
  const uint32_t value_bytes = IsPerCpu(info.type) ? each * PossibleCpus() : info.value_size;
  return {info.type, info.key_size, value_bytes, info.value_size, info.max_entries, info.name};
}

void InitMaps(Napi::Env env, Napi::Object exports) {
  exports.Set("createMap", Napi::Function::New(env, CreateMap, "createMap"));
  Napi::Object maps = Napi::Object::New(env);
  maps.Set("lookup", Napi::Function::New(env, Lookup, "lookup"));
  maps.Set("update", Napi::Function::New(env, Update, "update"));
  maps.Set("delete", Napi::Function::New(env, Delete, "delete"));
  maps.Set("read", Napi::Function::New(env, Read, "read"));
  maps.Set("info", Napi::Function::New(env, Info, "info"));
  const int cpus = libbpf_num_possible_cpus();
  maps.Set("possibleCpus", cpus < 0 ? 0 : cpus);
  exports.Set("maps", maps);
}

}  // namespace telegen
