// What C++ throws where something fails, on any thread; it becomes a `NativeError` of src/native/addon.ts where it
// reaches JavaScript.
#pragma once
#include <napi.h>

#include <stdexcept>
#include <string>

namespace telegen {

// The end of the verifier's log says why; what comes before is the walk that led there.
constexpr size_t kLogBytesMax = 4096;

class Failure : public std::runtime_error {
 public:
  // `error` is an errno, of either sign. `detail` says more than the errno's own text, where there is more to say.
  Failure(int error, std::string step, std::string subject = {}, std::string detail = {}, std::string log = {});

  int error() const { return error_; }
  const std::string &step() const { return step_; }
  const std::string &log() const { return log_; }
  std::string code() const;
  // Why, without what was being done: the detail, or the errno's text.
  const std::string &reason() const { return reason_; }
  Napi::Error ToError(Napi::Env env) const;

 private:
  int error_;
  std::string step_;
  std::string subject_;
  std::string reason_;
  std::string log_;
};

// `EPERM`; also the kernel's own ENOTSUPP, which is no errno of user space.
std::string ErrorCode(int error);

// Runs what a method does; a Failure within becomes a JavaScript error.
template <typename Work>
auto Guarded(Napi::Env env, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const Failure &failure) {
    throw failure.ToError(env);
  }
}

}  // namespace telegen
