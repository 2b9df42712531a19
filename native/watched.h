// A descriptor that the event loop of Node watches.
#pragma once
#include <napi.h>
#include <uv.h>

#include <vector>

namespace telegen {

// Of an object of JavaScript, which is kept for as long as the loop watches.
class Watched {
 public:
  Watched(Napi::Env env, int descriptor) : env_(env), descriptor_(descriptor) {}
  virtual ~Watched() = default;

 protected:
  int descriptor() const { return descriptor_; }
  bool open() const { return descriptor_ >= 0; }

  // UV_READABLE, UV_WRITABLE. With nothing of interest the loop does not wait for it.
  void Watch(int events);
  void Close();
  // Calls JavaScript from the loop: what it throws is for the process to catch, as from any listener.
  void Call(const Napi::FunctionReference &listener, Napi::Object self, const std::vector<napi_value> &values);

  virtual void OnReady(int events) = 0;
  virtual void Hold() = 0;
  virtual void Release() = 0;

  Napi::Env env_;

 private:
  static void OnEvent(uv_poll_t *poll, int status, int events);
  static void OnTeardown(void *data);

  int descriptor_;
  int events_ = 0;
  // Its own allocation: the loop lets go of it later than of the descriptor.
  uv_poll_t *poll_ = nullptr;
};

}  // namespace telegen
