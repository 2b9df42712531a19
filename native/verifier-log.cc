#include "verifier-log.h"

#include <cstring>

#include "failure.h"

namespace telegen {

std::string VerifierLog::End() const {
  const size_t length = strnlen(text_.get(), kBytes);
  const size_t kept = length < kLogBytesMax ? length : kLogBytesMax;
  return std::string(text_.get() + length - kept, kept);
}

std::string VerifierLog::Refusal() const {
  std::string text = End();
  text = text.substr(0, text.rfind("\nprocessed "));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const size_t line = text.rfind('\n');
  return line == std::string::npos ? text : text.substr(line + 1);
}

}  // namespace telegen
