// Letting go of what takes the kernel long: a probe that goes through perf (classic tracepoint, kprobe) waits for every
// CPU to have left it, 50-90 ms each. A thread of its own does it, so that `close()` returns at once.
#pragma once
#include <functional>

namespace telegen {

// Runs it soon, after those that were given before it. If no thread can be had, at once.
void ReleaseLater(std::function<void()> release);
// Until all are done: called as an environment ends, since a kprobe made through tracefs would outlive the process.
void WaitForReleases();

}  // namespace telegen
