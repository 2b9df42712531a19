// Work on libuv's pool whose outcome a promise tells.
#pragma once
#include <napi.h>

#include <functional>
#include <optional>

#include "failure.h"

namespace telegen {

// `work` runs on a thread of the pool and touches nothing of JavaScript; `finish` makes of its result what the promise
// resolves to.
template <typename Result>
class Background : public Napi::AsyncWorker {
 public:
  using Work = std::function<Result()>;
  using Finish = std::function<Napi::Value(Napi::Env, Result)>;

  static Napi::Promise Run(Napi::Env env, const char *name, Work work, Finish finish) {
    auto *background = new Background(env, name, std::move(work), std::move(finish));
    const Napi::Promise promise = background->deferred_.Promise();
    background->Queue();
    return promise;
  }

 private:
  Background(Napi::Env env, const char *name, Work work, Finish finish)
      : Napi::AsyncWorker(env, name),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        finish_(std::move(finish)) {}

  void Execute() override {
    try {
      result_.emplace(work_());
    } catch (const Failure &failure) {
      failure_ = failure;
      SetError(failure.what());
    }
  }

  void OnOK() override {
    try {
      deferred_.Resolve(finish_(Env(), std::move(*result_)));
    } catch (const Napi::Error &error) {
      deferred_.Reject(error.Value());
    }
  }

  // Also for what is no Failure, such as memory that ran out: AsyncWorker catches it and keeps its message.
  void OnError(const Napi::Error &error) override {
    deferred_.Reject(failure_ ? failure_->ToError(Env()).Value() : error.Value());
  }

  Napi::Promise::Deferred deferred_;
  Work work_;
  Finish finish_;
  std::optional<Result> result_;
  std::optional<Failure> failure_;
};

}  // namespace telegen
