#include "libbpf-warnings.h"

#include <bpf/libbpf.h>

#include <cstdio>
#include <cstring>

namespace telegen {
namespace {

constexpr size_t kLineBytesMax = 1024;
constexpr size_t kTextBytesMax = 16 * 1024;

thread_local LibbpfWarnings *listening = nullptr;

int Print(enum libbpf_print_level level, const char *format, va_list values) {
  if (level != LIBBPF_WARN || !listening) return 0;
  char line[kLineBytesMax];
  const int length = vsnprintf(line, sizeof(line), format, values);
  if (length > 0) listening->Add(line);
  return length;
}

}  // namespace

void LibbpfWarnings::Install() { libbpf_set_print(Print); }

LibbpfWarnings::LibbpfWarnings() : outer_(listening) { listening = this; }

LibbpfWarnings::~LibbpfWarnings() { listening = outer_; }

void LibbpfWarnings::Add(const char *text) {
  if (text_.size() < kTextBytesMax) text_ += text;
}

std::string LibbpfWarnings::First() const {
  std::string line = text_.substr(0, text_.find('\n'));
  for (const char *prefix : {"libbpf: ", "prog '", "map '"}) {
    const size_t length = strlen(prefix);
    if (line.compare(0, length, prefix) != 0) continue;
    const size_t end = prefix[length - 1] == '\'' ? line.find("': ") : length - 3;
    if (end != std::string::npos) line = line.substr(end + 3);
  }
  return line;
}

std::string LibbpfWarnings::Named(const std::string &kind) const {
  const std::string opening = kind + " '";
  const size_t found = text_.find(opening);
  if (found == std::string::npos) return {};
  const size_t begin = found + opening.size();
  const size_t end = text_.find('\'', begin);
  return end == std::string::npos ? std::string() : text_.substr(begin, end - begin);
}

}  // namespace telegen
