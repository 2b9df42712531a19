#include "ring-waker.h"

#include <sys/epoll.h>

#include <cerrno>
#include <memory>

#include "failure.h"

namespace telegen {
namespace {

// The loop's epoll reports a state: as long as anything waits in the ring, which under load is always. This one reports
// each time the kernel wakes, once, and the loop watches this one.
Descriptor Edges(int map) {
  Descriptor edges(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLET;
  if (!edges || epoll_ctl(edges.get(), EPOLL_CTL_ADD, map, &event) < 0) throw Failure(errno, "wake");
  return edges;
}

}  // namespace

RingWaker::RingWaker(Napi::Env env, Napi::Function listener, RingWaker **owner)
    : env_(env), listener_(Napi::Persistent(listener)), owner_(owner) {
  context_.emplace(env, "telegen.Ring");
}

void RingWaker::Start(Napi::Env env, int map, Napi::Function listener, RingWaker **owner) {
  Descriptor edges = Edges(map);
  uv_loop_s *loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) throw Failure(ENXIO, "wake", {}, "there is no event loop");
  std::unique_ptr<RingWaker> waker(new RingWaker(env, listener, owner));
  const int result = uv_poll_init(loop, &waker->poll_, edges.get());
  if (result < 0) throw Failure(result, "wake");

  // From here on libuv knows the handle, and only Close() lets go of it.
  RingWaker *started = waker.release();
  started->edges_ = std::move(edges);
  started->poll_.data = started;
  *owner = started;
  napi_add_async_cleanup_hook(
      env, [](napi_async_cleanup_hook_handle, void *data) { static_cast<RingWaker *>(data)->Close(); }, started,
      &started->hook_);
  const int polling = uv_poll_start(&started->poll_, UV_READABLE,
                                    [](uv_poll_t *poll, int, int) { static_cast<RingWaker *>(poll->data)->Wake(); });
  if (polling < 0) {
    started->Close();
    throw Failure(polling, "wake");
  }
}

void RingWaker::Wake() {
  epoll_event event;
  epoll_wait(edges_.get(), &event, 1, 0);
  const Napi::HandleScope scope(env_);
  try {
    // The listener may close the ring, and this with it: nothing of it is touched afterwards.
    listener_.Value().MakeCallback(env_.Global(), 0, nullptr, *context_);
  } catch (const Napi::Error &error) {
    // As what any callback throws: the process's own 'uncaughtException'.
    napi_fatal_exception(error.Env(), error.Value());
  }
}

void RingWaker::Close() {
  if (closing_) return;
  closing_ = true;
  *owner_ = nullptr;
  listener_.Reset();
  uv_close(reinterpret_cast<uv_handle_t *>(&poll_), [](uv_handle_t *handle) {
    RingWaker *waker = static_cast<RingWaker *>(handle->data);
    // The hook holds the environment, which the members need as they go.
    const napi_async_cleanup_hook_handle hook = waker->hook_;
    delete waker;
    if (hook) napi_remove_async_cleanup_hook(hook);
  });
}

}  // namespace telegen
