#include "addon.h"
namespace telegen {
void InitProbe(Napi::Env, Napi::Object) {}
}  // namespace telegen
