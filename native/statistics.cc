// Statistics on behalf of a process that has given up the right to enable them (CAP_SYS_ADMIN): a process of its own
// keeps it, forked before it is given up. It hears one byte at a time, knows two of them, and ends with who made it.
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "addon.h"
#include "arguments.h"
#include "descriptor.h"
#include "failure.h"

namespace telegen {
namespace {

constexpr char kEnable = 1;
constexpr char kDisable = 0;
constexpr int kLargestCapability = 63;
// For one system call to be made: what does not answer is not there.
constexpr timeval kPatience{2, 0};

// What follows runs in the forked process, whose other threads are gone with whatever locks they held: only system
// calls.

void KeepOne(int capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  for (int each = 0; each <= kLargestCapability; each++)
    if (each != capability) syscall(SYS_prctl, PR_CAPBSET_DROP, each, 0, 0, 0);
  data[capability / 32].effective = data[capability / 32].permitted = 1u << (capability % 32);
  const bool kept = syscall(SYS_capset, &header, data) == 0 && syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  if (!kept) _exit(1);
}

void CloseAllBut(int descriptor) {
  const auto number = static_cast<unsigned>(descriptor);
  if (number > 0) syscall(SYS_close_range, 0u, number - 1, 0u);
  if (syscall(SYS_close_range, number + 1, ~0u, 0u) == 0) return;
  // Before 5.9.
  for (int each = 0; each < 65536; each++)
    if (each != descriptor) close(each);
}

[[noreturn]] void Serve(int descriptor) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  CloseAllBut(descriptor);
  prctl(PR_SET_NAME, "telegen-stats");
  KeepOne(CAP_SYS_ADMIN);
  int statistics = -1;
  for (;;) {
    char asked = 0;
    const ssize_t length = recv(descriptor, &asked, sizeof(asked), 0);
    if (length < 0 && errno == EINTR) continue;
    if (length != 1) _exit(0);
    int error = 0;
    if (asked == kEnable && statistics < 0) {
      bpf_attr attributes;
      memset(&attributes, 0, sizeof(attributes));
      attributes.enable_stats.type = BPF_STATS_RUN_TIME;
      statistics = static_cast<int>(syscall(SYS_bpf, BPF_ENABLE_STATS, &attributes, sizeof(attributes)));
      if (statistics < 0) error = errno;
    } else if (asked == kDisable && statistics >= 0) {
      close(statistics);
      statistics = -1;
    }
    send(descriptor, &error, sizeof(error), MSG_NOSIGNAL);
  }
}

Napi::Value StartKeeper(const Napi::CallbackInfo &info) {
  return Guarded(info.Env(), [&] {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw Failure(errno, "keep statistics");
    Descriptor own(ends[0]);
    const Descriptor other(ends[1]);
    if (setsockopt(own.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience)) != 0)
      throw Failure(errno, "keep statistics");
    const pid_t child = fork();
    if (child < 0) throw Failure(errno, "keep statistics");
    if (child == 0) Serve(other.get());
    return Napi::Number::New(info.Env(), own.Release());
  });
}

Napi::Value Keep(const Napi::CallbackInfo &info) {
  const int keeper = DescriptorFrom(info[0], "keeper");
  const char asked = BooleanFrom(info[1], "enabled") ? kEnable : kDisable;
  return Guarded(info.Env(), [&] {
    int error = 0;
    if (send(keeper, &asked, sizeof(asked), MSG_NOSIGNAL) != 1) throw Failure(errno, "enable statistics");
    const ssize_t length = recv(keeper, &error, sizeof(error), 0);
    if (length != sizeof(error)) throw Failure(length < 0 ? errno : EPIPE, "enable statistics");
    if (error != 0) throw Failure(error, "enable statistics");
    return info.Env().Undefined();
  });
}

}  // namespace

void InitStatistics(Napi::Env env, Napi::Object exports) {
  Napi::Object keeper = Napi::Object::New(env);
  keeper.Set("start", Napi::Function::New(env, StartKeeper, "start"));
  keeper.Set("keep", Napi::Function::New(env, Keep, "keep"));
  exports.Set("statisticsKeeper", keeper);
}

}  // namespace telegen
