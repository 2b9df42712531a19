// Whether a kind of hook works here, found by using it.
#pragma once
#include <linux/bpf.h>

#include <cstdint>
#include <string>

#include "descriptor.h"

namespace telegen {

// Whether `type` is one of PROGRAM_TYPES of src/native/addon.ts.
bool IsHook(const std::string &type);

// Throws a Failure where it does not. Nothing is left behind either way.
void TryHook(const std::string &type);

// A program that returns `result` and does nothing else.
struct MinimalProgram {
  bpf_prog_type type;
  uint32_t expected_attach_type = 0;
  // What it hangs on, for types that are checked against the kernel's BTF as they are loaded: a function, a tracepoint,
  // an iterator, a hook.
  const char *target = nullptr;
  int result = 0;
};
Descriptor LoadMinimal(const MinimalProgram &program);

// Those that are attached through perf (probe-perf.cc).
void TryTracepoint();
void TryKprobe();
void TryUprobe();
void TryPerfEvent();

// A function that is there on every kernel with TCP, and that tracers of ours probe.
constexpr char kProbedFunction[] = "tcp_sendmsg";

// Where execution of this process's own executable began, as an offset in the file: it is an instruction, and never
// comes again.
uint64_t OwnEntryOffset();
constexpr char kOwnExecutable[] = "/proc/self/exe";

// Where a file system of this type is mounted, or empty.
std::string MountOf(const std::string &type);

}  // namespace telegen
