// `load` and the BpfObject that it resolves to. Everything that is passed is checked but the ELF file within:
// libbpf 1.1 can be brought to crash by one that was forged, so the bytes must come from the package, never over a
// socket.
#include <memory>

#include "addon.h"
#include "arguments.h"
#include "background.h"
#include "object.h"
#include "program-info.h"

namespace telegen {
namespace {

constexpr size_t kElfBytesMax = 64 * 1024 * 1024;
constexpr uint32_t kOffsetsMax = 65536;
constexpr int64_t kFrequencyMax = 10000;
constexpr int64_t kSafeIntegerMax = (int64_t{1} << 53) - 1;

class BpfObject : public Napi::ObjectWrap<BpfObject> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "BpfObject",
                       {
                           InstanceMethod<&BpfObject::Map>("map"),
                           InstanceMethod<&BpfObject::Attach>("attach"),
                           InstanceMethod<&BpfObject::Detach>("detach"),
                           InstanceMethod<&BpfObject::Info>("info"),
                           InstanceMethod<&BpfObject::Close>("close"),
                           InstanceAccessor<&BpfObject::ProgramNames>("programNames"),
                       });
  }

  explicit BpfObject(const Napi::CallbackInfo &call)
      : Napi::ObjectWrap<BpfObject>(call), object_(std::move(call.Env().GetInstanceData<AddonData>()->loaded)) {
    if (!object_) throw Napi::TypeError::New(call.Env(), "a BpfObject is made by load()");
  }

 private:
  Napi::Value Map(const Napi::CallbackInfo &call) {
    const std::string name = TextFrom(call[0], "name");
    return Guarded(call.Env(), [&] { return Napi::Number::New(call.Env(), object_->Map(name)); });
  }

  Napi::Value Attach(const Napi::CallbackInfo &call);

  void Detach(const Napi::CallbackInfo &call) {
    const auto handle = static_cast<uint32_t>(IntegerFrom(call[0], "handle", 1, UINT32_MAX));
    Guarded(call.Env(), [&] { object_->Detach(handle); });
  }

  Napi::Value Info(const Napi::CallbackInfo &call) {
    return Guarded(call.Env(), [&] { return ProgramInfos(call.Env(), object_->Counts()); });
  }

  void Close(const Napi::CallbackInfo &) { object_->Close(); }

  Napi::Value ProgramNames(const Napi::CallbackInfo &call) {
    Napi::Array names = Napi::Array::New(call.Env());
    for (const std::string &name : object_->program_names()) names.Set(names.Length(), name);
    return names;
  }

  std::shared_ptr<Object> object_;
};

std::vector<uint64_t> OffsetsFrom(Napi::Value value) {
  const Napi::Array array = ArrayFrom(value, "offsets", kOffsetsMax);
  if (array.Length() == 0) throw Napi::TypeError::New(value.Env(), "offsets must name one place at least");
  std::vector<uint64_t> offsets;
  for (uint32_t index = 0; index < array.Length(); index++) {
    offsets.push_back(static_cast<uint64_t>(IntegerFrom(array.Get(index), "offsets", 0, kSafeIntegerMax)));
  }
  return offsets;
}

int PidFrom(const Napi::Object &from) { return static_cast<int>(IntegerFrom(from.Get("pid"), "pid", -1, INT32_MAX)); }

// One of two words.
bool ChoiceFrom(Napi::Value value, const char *what, const char *no, const char *yes) {
  const std::string word = TextFrom(value, what);
  if (word != no && word != yes) {
    throw Napi::TypeError::New(value.Env(), std::string(what) + " must be '" + no + "' or '" + yes + "'");
  }
  return word == yes;
}

Attachment AttachmentFrom(Napi::Value value) {
  const Napi::Object from = ObjectFrom(value, "where");
  const std::string kind = TextFrom(from.Get("kind"), "kind");
  Attachment where;
  if (kind == "cgroup") {
    where.kind = AttachmentKind::kCgroup;
    where.path = TextFrom(from.Get("path"), "path");
  } else if (kind == "uprobe" || kind == "uprobe_multi") {
    const bool multi = kind == "uprobe_multi";
    where.kind = multi ? AttachmentKind::kUprobeMulti : AttachmentKind::kUprobe;
    where.path = TextFrom(from.Get("path"), "path");
    if (multi) {
      where.offsets = OffsetsFrom(from.Get("offsets"));
    } else {
      where.offsets = {static_cast<uint64_t>(IntegerFrom(from.Get("offset"), "offset", 0, kSafeIntegerMax))};
    }
    where.pid = PidFrom(from);
    where.returns = BooleanFrom(from.Get("returns"), "returns");
  } else if (kind == "perf_event") {
    where.kind = AttachmentKind::kPerfEvent;
    where.frequency = static_cast<uint64_t>(IntegerFrom(from.Get("frequency"), "frequency", 1, kFrequencyMax));
    where.cpu = static_cast<int>(IntegerFrom(from.Get("cpu"), "cpu", -1, INT32_MAX));
    where.pid = PidFrom(from);
  } else if (kind == "xdp" || kind == "tc") {
    where.interface = static_cast<int>(IntegerFrom(from.Get("interface"), "interface", 1, INT32_MAX));
    where.kind = kind == "xdp" ? AttachmentKind::kXdp : AttachmentKind::kTc;
    if (kind == "xdp") {
      where.generic = ChoiceFrom(from.Get("mode"), "mode", "native", "generic");
    } else {
      where.egress = ChoiceFrom(from.Get("direction"), "direction", "ingress", "egress");
    }
  } else {
    throw Napi::TypeError::New(value.Env(), "kind must be one of cgroup, uprobe, uprobe_multi, perf_event, xdp, tc");
  }
  return where;
}

Napi::Value BpfObject::Attach(const Napi::CallbackInfo &call) {
  const std::string program = TextFrom(call[0], "program");
  std::optional<Attachment> where;
  if (!call[1].IsUndefined()) where = AttachmentFrom(call[1]);
  return Background<uint32_t>::Run(
      call.Env(), "BpfObject.attach",
      [object = object_, program, where] { return object->Attach(program, where ? &*where : nullptr); },
      [](Napi::Env env, uint32_t handle) { return Napi::Number::New(env, handle); });
}

ObjectSpec SpecFrom(Napi::Value value) {
  const Napi::Object from = ObjectFrom(value, "spec");
  ObjectSpec spec;
  spec.name = TextFrom(from.Get("name"), "name");
  const Bytes elf = BytesFrom(from.Get("elf"), "elf");
  if (elf.length > kElfBytesMax) throw Napi::TypeError::New(value.Env(), "elf must be of at most 64 MiB");
  spec.elf = CopyOf(elf);
  for (const std::string &name : NamesOf(from.Get("constants"), "constants")) {
    spec.constants[name] = CopyOf(BytesFrom(from.Get("constants").As<Napi::Object>().Get(name), name.c_str()));
  }
  for (const std::string &name : NamesOf(from.Get("mapSizes"), "mapSizes")) {
    const Napi::Value size = from.Get("mapSizes").As<Napi::Object>().Get(name);
    spec.map_sizes[name] = static_cast<uint32_t>(IntegerFrom(size, name.c_str(), 1, UINT32_MAX));
  }
  for (const std::string &name : NamesOf(from.Get("sharedMaps"), "sharedMaps")) {
    spec.shared_maps[name] = DescriptorFrom(from.Get("sharedMaps").As<Napi::Object>().Get(name), name.c_str());
  }
  if (!from.Get("without").IsUndefined()) {
    const Napi::Array without = ArrayFrom(from.Get("without"), "without", kOffsetsMax);
    for (uint32_t index = 0; index < without.Length(); index++) {
      spec.without.push_back(TextFrom(without.Get(index), "without"));
    }
  }
  return spec;
}

Napi::Value Load(const Napi::CallbackInfo &call) {
  auto spec = std::make_shared<ObjectSpec>(SpecFrom(call[0]));
  return Background<std::shared_ptr<Object>>::Run(
      call.Env(), "load", [spec] { return std::make_shared<Object>(*spec); },
      [](Napi::Env env, std::shared_ptr<Object> object) {
        AddonData *data = env.GetInstanceData<AddonData>();
        data->loaded = std::move(object);
        return data->bpf_object.New({});
      });
}

}  // namespace

void InitLoad(Napi::Env env, Napi::Object exports) {
  env.GetInstanceData<AddonData>()->bpf_object = Napi::Persistent(BpfObject::Define(env));
  exports.Set("load", Napi::Function::New(env, Load, "load"));
}

}  // namespace telegen
