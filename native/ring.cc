#include <memory>

#include "addon.h"
#include "arguments.h"
#include "failure.h"
#include "ring-memory.h"
#include "ring-waker.h"

namespace telegen {
namespace {

class Ring : public Napi::ObjectWrap<Ring> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "Ring",
                       {
                           InstanceMethod<&Ring::Drain>("drain"),
                           InstanceMethod<&Ring::Wake>("wake"),
                           InstanceMethod<&Ring::Close>("close"),
                           InstanceAccessor<&Ring::Pending>("pending"),
                           InstanceAccessor<&Ring::Size>("size"),
                       });
  }

  explicit Ring(const Napi::CallbackInfo &call) : Napi::ObjectWrap<Ring>(call) {
    const int descriptor = DescriptorFrom(call[0]);
    Guarded(call.Env(), [&] { memory_ = std::make_unique<RingMemory>(descriptor); });
  }

  ~Ring() override {
    if (waker_) waker_->Close();
  }

 private:
  RingMemory &Open(const char *step) {
    if (!memory_) throw Failure(EBADF, step, {}, "the ring is closed");
    return *memory_;
  }

  Napi::Value Drain(const Napi::CallbackInfo &call) {
    const Bytes target = BytesFrom(call[0], "target");
    return Guarded(call.Env(), [&] {
      return Napi::Number::New(call.Env(), static_cast<double>(Open("drain").Drain(target.data, target.length)));
    });
  }

  Napi::Value Pending(const Napi::CallbackInfo &call) {
    return Guarded(call.Env(),
                   [&] { return Napi::Number::New(call.Env(), static_cast<double>(Open("pending").Pending())); });
  }

  Napi::Value Size(const Napi::CallbackInfo &call) {
    return Guarded(call.Env(), [&] { return Napi::Number::New(call.Env(), static_cast<double>(Open("size").size())); });
  }

  void Wake(const Napi::CallbackInfo &call) {
    const Napi::Function listener = FunctionFrom(call[0], "listener");
    Guarded(call.Env(), [&] {
      const int map = Open("wake").descriptor();
      if (waker_) throw Failure(EALREADY, "wake", {}, "the ring has a listener");
      RingWaker::Start(call.Env(), map, listener, &waker_);
    });
    // A ring that is listened to is not collected, though nobody may hold it.
    Ref();
  }

  void Close(const Napi::CallbackInfo &) {
    if (waker_) {
      waker_->Close();
      Unref();
    }
    memory_.reset();
  }

  std::unique_ptr<RingMemory> memory_;
  RingWaker *waker_ = nullptr;
};

}  // namespace

void InitRing(Napi::Env env, Napi::Object exports) { exports.Set("Ring", Ring::Define(env)); }

}  // namespace telegen
