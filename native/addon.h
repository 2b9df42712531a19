// What the parts of the addon have in common: each file offers one function that puts its part on the exports.
#pragma once
#include <napi.h>

#include <memory>

namespace telegen {

class Object;

// One per environment: the addon is loaded once into the process, and initialised once for each worker thread that
// requires it.
struct AddonData {
  // The class BpfObject, and what its constructor is to take hold of: set by `load` alone, so that JavaScript cannot
  // make one.
  Napi::FunctionReference bpf_object;
  std::shared_ptr<Object> loaded;
};

void InitLoad(Napi::Env env, Napi::Object exports);
void InitMaps(Napi::Env env, Napi::Object exports);
void InitRing(Napi::Env env, Napi::Object exports);
void InitProbe(Napi::Env env, Napi::Object exports);
void InitKernel(Napi::Env env, Napi::Object exports);
void InitSystemCalls(Napi::Env env, Napi::Object exports);
void InitSocket(Napi::Env env, Napi::Object exports);
void InitPrivileges(Napi::Env env, Napi::Object exports);
void InitElf(Napi::Env env, Napi::Object exports);
void InitProcessFile(Napi::Env env, Napi::Object exports);
void InitStatistics(Napi::Env env, Napi::Object exports);

}  // namespace telegen
