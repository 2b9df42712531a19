#pragma once
#include <napi.h>
#include <uv.h>

#include <optional>

#include "descriptor.h"

namespace telegen {

// Calls a listener in JavaScript when the kernel wakes a ring's readers. It owns itself: libuv lets go of a handle only
// a turn of the loop after it is closed, which may be after all else has gone, also when a worker thread ends with the
// handle open.
class RingWaker {
 public:
  // `*owner` points here until this closes. Throws a Failure.
  static void Start(Napi::Env env, int map, Napi::Function listener, RingWaker **owner);
  void Close();

 private:
  RingWaker(Napi::Env env, Napi::Function listener, RingWaker **owner);
  void Wake();

  Napi::Env env_;
  Napi::FunctionReference listener_;
  std::optional<Napi::AsyncContext> context_;
  RingWaker **owner_;
  Descriptor edges_;
  uv_poll_t poll_;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  bool closing_ = false;
};

}  // namespace telegen
