#pragma once
#include <string>

namespace telegen {

// libbpf says why something failed by a callback of the whole process, called on the thread that called libbpf. While
// one of these lives, what is said on its thread is kept here; on other threads, and otherwise, it is dropped. They
// nest: the innermost hears it.
class LibbpfWarnings {
 public:
  static void Install();

  LibbpfWarnings();
  ~LibbpfWarnings();
  LibbpfWarnings(const LibbpfWarnings &) = delete;
  LibbpfWarnings &operator=(const LibbpfWarnings &) = delete;

  // The first line: what went wrong first, which the others follow from. Without the name of what it is about, which a
  // Failure has.
  std::string First() const;
  // The name that libbpf puts in quotation marks after `kind` (`prog`, `map`), where it named one.
  std::string Named(const std::string &kind) const;

  void Add(const char *text);

 private:
  std::string text_;
  LibbpfWarnings *outer_;
};

}  // namespace telegen
