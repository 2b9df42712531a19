#pragma once
#include <cstddef>
#include <memory>
#include <string>

namespace telegen {

// Where the kernel writes what it has against a program.
class VerifierLog {
 public:
  // Pages that the kernel does not write to are never had, so it may be large. Were it too short, the kernel would say
  // that instead of what is wrong.
  static constexpr size_t kBytes = 16 * 1024 * 1024;

  VerifierLog() : text_(new char[kBytes]) { text_[0] = '\0'; }

  char *data() { return text_.get(); }
  // The line that says it: those before are the walk that led there, those behind are statistics. Empty where nothing
  // was written.
  std::string Refusal() const;
  // As much of its end as an error carries.
  std::string End() const;

 private:
  // Not filled with zeros, which would touch all of it.
  const std::unique_ptr<char[]> text_;
};

}  // namespace telegen
