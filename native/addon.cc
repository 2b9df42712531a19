#include <napi.h>
#include <bpf/libbpf.h>

namespace {
Napi::Object Init(Napi::Env env, Napi::Object exports) {
  Napi::Object versions = Napi::Object::New(env);
  versions.Set("addon", "0.1.0");
  versions.Set("libbpf", std::to_string(libbpf_major_version()) + "." + std::to_string(libbpf_minor_version()));
  exports.Set("versions", versions);
  return exports;
}
}  // namespace

NODE_API_MODULE(telegen, Init)
