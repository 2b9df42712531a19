#include "watched.h"

#include <unistd.h>

#include <memory>
#include <utility>

#include "failure.h"

namespace telegen {

void Watched::Watch(int events) {
  if (!open() || (events == 0 && poll_ == nullptr)) return;
  if (poll_ == nullptr) {
    uv_loop_t *loop = nullptr;
    napi_get_uv_event_loop(env_, &loop);
    auto poll = std::make_unique<uv_poll_t>();
    const int error = uv_poll_init(loop, poll.get(), descriptor_);
    if (error != 0) throw Failure(error, "poll");
    poll_ = poll.release();
    poll_->data = this;
    napi_add_env_cleanup_hook(env_, OnTeardown, this);
    Hold();
  }
  events_ = events;
  const int error = events == 0 ? uv_poll_stop(poll_) : uv_poll_start(poll_, events, OnEvent);
  if (error != 0) throw Failure(error, "poll");
}

void Watched::Close() {
  if (!open()) return;
  const int descriptor = std::exchange(descriptor_, -1);
  if (poll_ == nullptr) {
    close(descriptor);
    return;
  }
  uv_poll_stop(poll_);
  poll_->data = nullptr;
  uv_close(reinterpret_cast<uv_handle_t *>(std::exchange(poll_, nullptr)),
           [](uv_handle_t *handle) { delete reinterpret_cast<uv_poll_t *>(handle); });
  napi_remove_env_cleanup_hook(env_, OnTeardown, this);
  close(descriptor);
  Release();
}

void Watched::Call(const Napi::FunctionReference &listener, Napi::Object self, const std::vector<napi_value> &values) {
  if (listener.IsEmpty()) return;
  try {
    listener.MakeCallback(self, values);
  } catch (const Napi::Error &error) {
    napi_fatal_exception(env_, error.Value());
  }
}

// Nothing may be thrown into the loop, which is C.
void Watched::OnEvent(uv_poll_t *poll, int status, int events) {
  auto *watched = static_cast<Watched *>(poll->data);
  if (watched == nullptr) return;
  const Napi::Env env = watched->env_;
  const Napi::HandleScope scope(env);
  try {
    watched->OnReady(status < 0 ? UV_READABLE : events);
    // After an error of the socket, such as ECONNRESET, libuv has stopped watching, and there may be more to read.
    if (status < 0) watched->Watch(watched->events_);
  } catch (const Failure &failure) {
    napi_fatal_exception(env, failure.ToError(env).Value());
  } catch (const Napi::Error &error) {
    napi_fatal_exception(env, error.Value());
  }
}

void Watched::OnTeardown(void *data) { static_cast<Watched *>(data)->Close(); }

}  // namespace telegen
