#include "failure.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace telegen {
namespace {

constexpr int kNotSupportedByKernel = 524;
// libbpf's own numbers begin here: what is wrong with an ELF file, for one. Its text says what; of errnos they are all
// EINVAL.
constexpr int kLibbpfErrorsBegin = 4000;

int Errno(int error) {
  const int positive = std::abs(error);
  return positive >= kLibbpfErrorsBegin ? EINVAL : positive;
}

std::string Description(int error) {
  const char *text = strerrordesc_np(error);
  return text ? text : "error " + std::to_string(error);
}

std::string Message(int error, const std::string &step, const std::string &subject, const std::string &reason) {
  const std::string doing = subject.empty() ? step : step + " " + subject;
  return doing + ": " + reason + " (" + ErrorCode(error) + ")";
}

std::string Reason(int error, const std::string &detail) { return detail.empty() ? Description(error) : detail; }

}  // namespace

std::string ErrorCode(int error) {
  if (error == kNotSupportedByKernel) return "ENOTSUPP";
  const char *name = strerrorname_np(error);
  return name ? name : "E" + std::to_string(error);
}

Failure::Failure(int error, std::string step, std::string subject, std::string detail, std::string log)
    : std::runtime_error(Message(Errno(error), step, subject, Reason(Errno(error), detail))),
      error_(Errno(error)),
      step_(std::move(step)),
      subject_(std::move(subject)),
      reason_(Reason(error_, detail)),
      log_(log.size() > kLogBytesMax ? log.substr(log.size() - kLogBytesMax) : std::move(log)) {}

std::string Failure::code() const { return ErrorCode(error_); }

Napi::Error Failure::ToError(Napi::Env env) const {
  Napi::Error error = Napi::Error::New(env, what());
  error.Set("code", code());
  error.Set("errno", Napi::Number::New(env, error_));
  error.Set("step", step_);
  if (!subject_.empty()) error.Set("subject", subject_);
  if (!log_.empty()) error.Set("log", log_);
  return error;
}

}  // namespace telegen
