#pragma once
#include <napi.h>

#include <vector>

#include "kernel.h"

namespace telegen {

// As src/native/addon.ts has them.
Napi::Array ProgramInfos(Napi::Env env, const std::vector<ProgramCounts> &programs);

}  // namespace telegen
