#include "probe.h"

#include "addon.h"
#include "arguments.h"
#include "background.h"

namespace telegen {
namespace {

struct Outcome {
  bool ok;
  std::string step;
  std::string code;
  std::string reason;
};

Outcome Probe(const std::string &type) {
  try {
    TryHook(type);
    return {true, {}, {}, {}};
  } catch (const Failure &failure) {
    return {false, failure.step(), failure.code(), failure.reason()};
  }
}

Napi::Value ProbeResult(Napi::Env env, const std::string &type, const Outcome &outcome) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("type", type);
  result.Set("ok", outcome.ok);
  if (outcome.ok) return result;
  result.Set("step", outcome.step);
  result.Set("code", outcome.code);
  result.Set("reason", outcome.reason);
  return result;
}

Napi::Value ProbeType(const Napi::CallbackInfo &call) {
  const std::string type = TextFrom(call[0], "type");
  if (!IsHook(type)) {
    throw Napi::TypeError::New(call.Env(), "type must be one of PROGRAM_TYPES");
  }
  return Background<Outcome>::Run(
      call.Env(), "probe", [type] { return Probe(type); },
      [type](Napi::Env env, Outcome outcome) { return ProbeResult(env, type, outcome); });
}

}  // namespace

void InitProbe(Napi::Env env, Napi::Object exports) {
  exports.Set("probe", Napi::Function::New(env, ProbeType, "probe"));
}

}  // namespace telegen
