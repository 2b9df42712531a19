#include "addon.h"

#include <bpf/libbpf.h>
#include <dlfcn.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "libbpf-warnings.h"
#include "release.h"

namespace telegen {
namespace {

// The library itself tells no patch level ("v1.1"), but the name of its file does ("libbpf.so.1.1.2").
std::string LibbpfVersion() {
  const std::string told = libbpf_version_string();
  const std::string version = told.substr(told.find_first_of("0123456789"));
  Dl_info library;
  if (dladdr(reinterpret_cast<void *>(libbpf_version_string), &library) == 0) return version;
  const std::unique_ptr<char, void (*)(void *)> file(realpath(library.dli_fname, nullptr), free);
  const std::string path = file ? file.get() : "";
  const size_t found = path.rfind(".so." + version);
  return found == std::string::npos ? version : path.substr(found + 4);
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new AddonData());
  LibbpfWarnings::Install();
  env.AddCleanupHook([] { WaitForReleases(); });

  Napi::Object versions = Napi::Object::New(env);
  versions.Set("addon", "0.1.0");
  versions.Set("libbpf", LibbpfVersion());
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
  InitProcessFile(env, exports);
  InitStatistics(env, exports);
  return exports;
}

}  // namespace
}  // namespace telegen

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) { return telegen::Init(env, exports); }
NODE_API_MODULE(telegen, InitAddon)
