#include "addon.h"

#include <bpf/libbpf.h>

#include "libbpf-warnings.h"
#include "release.h"

namespace telegen {
namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new AddonData());
  LibbpfWarnings::Install();
  env.AddCleanupHook([] { WaitForReleases(); });

  Napi::Object versions = Napi::Object::New(env);
  versions.Set("addon", "0.1.0");
  // "v1.1.2" where the library says so; its headers' version need not be the one that was found.
  const std::string libbpf = libbpf_version_string();
  versions.Set("libbpf", libbpf.substr(libbpf.find_first_of("0123456789")));
  exports.Set("versions", versions);

  InitLoad(env, exports);
  InitMaps(env, exports);
  InitRing(env, exports);
  InitProbe(env, exports);
  InitKernel(env, exports);
  InitSystemCalls(env, exports);
  InitSocket(env, exports);
  InitPrivileges(env, exports);
  InitElf(env, exports);
  return exports;
}

}  // namespace
}  // namespace telegen

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) { return telegen::Init(env, exports); }
NODE_API_MODULE(telegen, InitAddon)
