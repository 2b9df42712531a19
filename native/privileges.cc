// Gives up privileges in every thread. Capabilities and no_new_privs belong to a thread, and V8 and libuv have threads
// long before any JavaScript runs, so each is made to do it itself, as glibc does for setuid(2): a signal to each,
// whose handler makes the system call.
#include <dirent.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "addon.h"
#include "arguments.h"
#include "failure.h"

namespace telegen {
namespace {

constexpr const char *kNames[] = {"CAP_CHOWN",
                                  "CAP_DAC_OVERRIDE",
                                  "CAP_DAC_READ_SEARCH",
                                  "CAP_FOWNER",
                                  "CAP_FSETID",
                                  "CAP_KILL",
                                  "CAP_SETGID",
                                  "CAP_SETUID",
                                  "CAP_SETPCAP",
                                  "CAP_LINUX_IMMUTABLE",
                                  "CAP_NET_BIND_SERVICE",
                                  "CAP_NET_BROADCAST",
                                  "CAP_NET_ADMIN",
                                  "CAP_NET_RAW",
                                  "CAP_IPC_LOCK",
                                  "CAP_IPC_OWNER",
                                  "CAP_SYS_MODULE",
                                  "CAP_SYS_RAWIO",
                                  "CAP_SYS_CHROOT",
                                  "CAP_SYS_PTRACE",
                                  "CAP_SYS_PACCT",
                                  "CAP_SYS_ADMIN",
                                  "CAP_SYS_BOOT",
                                  "CAP_SYS_NICE",
                                  "CAP_SYS_RESOURCE",
                                  "CAP_SYS_TIME",
                                  "CAP_SYS_TTY_CONFIG",
                                  "CAP_MKNOD",
                                  "CAP_LEASE",
                                  "CAP_AUDIT_WRITE",
                                  "CAP_AUDIT_CONTROL",
                                  "CAP_SETFCAP",
                                  "CAP_MAC_OVERRIDE",
                                  "CAP_MAC_ADMIN",
                                  "CAP_SYSLOG",
                                  "CAP_WAKE_ALARM",
                                  "CAP_BLOCK_SUSPEND",
                                  "CAP_AUDIT_READ",
                                  "CAP_PERFMON",
                                  "CAP_BPF",
                                  "CAP_CHECKPOINT_RESTORE"};
constexpr int kKnown = sizeof(kNames) / sizeof(kNames[0]);
constexpr int kBits = 64;
// The signal that glibc keeps for setuid(2) in all threads. No thread can block it by glibc's functions, and some of
// Node's block every other (the one that waits for SIGUSR1 does). glibc's own handler is put back afterwards.
constexpr int kSignal = 33;
constexpr auto kPatience = std::chrono::seconds(5);
constexpr auto kPause = std::chrono::microseconds(200);

// What the kernel's rt_sigaction takes; glibc's sigaction refuses this signal.
struct KernelAction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  unsigned long mask;
};

#ifdef __x86_64__
constexpr unsigned long kRestorer = 0x04000000;
extern "C" void telegen_restore_signal();
asm(".text\n.type telegen_restore_signal,@function\ntelegen_restore_signal:\n  mov $15, %rax\n  syscall\n");
#endif

enum class Act { kKeep, kNoNewPrivileges };

struct Order {
  Act act;
  uint64_t keep;
};

Order order;
std::atomic<int> failure;
std::mutex one_at_a_time;

uint64_t Joined(const __user_cap_data_struct data[2], uint32_t __user_cap_data_struct::*member) {
  return static_cast<uint64_t>(data[0].*member) | static_cast<uint64_t>(data[1].*member) << 32;
}

int Read(__user_cap_data_struct data[2]) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return static_cast<int>(syscall(SYS_capget, &header, data));
}

// Only system calls, all of them safe in a handler. The bounding set first: dropping from it needs CAP_SETPCAP.
int KeepHere(uint64_t keep) {
  __user_cap_data_struct data[2]{};
  if (Read(data) != 0) return errno;
  if (Joined(data, &__user_cap_data_struct::effective) >> CAP_SETPCAP & 1) {
    for (int bit = 0; bit < kBits; ++bit) {
      if (keep >> bit & 1) continue;
      if (syscall(SYS_prctl, PR_CAPBSET_DROP, bit, 0, 0, 0) == 0) continue;
      if (errno != EINVAL) return errno;
      break;  // the kernel knows no more
    }
  }
  for (int half = 0; half < 2; ++half) {
    const auto mask = static_cast<uint32_t>(keep >> (32 * half));
    data[half].effective &= mask;
    data[half].permitted &= mask;
    data[half].inheritable &= mask;
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  // The kernel takes from the ambient set what is no longer permitted or inheritable.
  return syscall(SYS_capset, &header, data) == 0 ? 0 : errno;
}

int ObeyHere() {
  if (order.act == Act::kKeep) return KeepHere(order.keep);
  return syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

void OnSignal(int) {
  const int saved = errno;
  const int error = ObeyHere();
  if (error != 0) failure.store(error);
  errno = saved;
}

std::vector<pid_t> Threads() {
  std::vector<pid_t> threads;
  DIR *folder = opendir("/proc/self/task");
  if (folder == nullptr) return threads;
  while (const dirent *entry = readdir(folder))
    if (entry->d_name[0] != '.') threads.push_back(static_cast<pid_t>(strtol(entry->d_name, nullptr, 10)));
  closedir(folder);
  return threads;
}

struct Status {
  std::string name;
  uint64_t held = 0;
  uint64_t bounding = 0;
  bool no_new_privileges = false;
  bool alive = false;
};

Status StatusOf(pid_t thread) {
  Status status;
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/status");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, colon), value = line.substr(std::min(colon + 2, line.size()));
    if (key == "Name") status.name = value;
    // A thread that has ended and not yet gone does nothing any more.
    if (key == "State") status.alive = value[0] != 'Z' && value[0] != 'X';
    if (key == "CapEff" || key == "CapPrm" || key == "CapInh" || key == "CapAmb")
      status.held |= strtoull(value.c_str(), nullptr, 16);
    if (key == "CapBnd") status.bounding = strtoull(value.c_str(), nullptr, 16);
    if (key == "NoNewPrivs") status.no_new_privileges = value == "1";
  }
  return status;
}

bool Obeyed(const Status &status, bool bounding) {
  if (!status.alive) return true;
  if (order.act == Act::kNoNewPrivileges) return status.no_new_privileges;
  return (status.held & ~order.keep) == 0 && (!bounding || (status.bounding & ~order.keep) == 0);
}

// Repeated until all threads that there are have it: one that had not may have made another in between; one that has,
// makes others like itself. Returns what went wrong, or nothing.
std::string InAllThreads(bool bounding, int *error) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::set<pid_t> told;
  *error = 0;
  for (;;) {
    std::string waiting;
    const std::vector<pid_t> threads = Threads();
    if (threads.empty()) {
      *error = ENOENT;
      return "/proc/self/task cannot be read";
    }
    for (const pid_t thread : threads) {
      const Status status = StatusOf(thread);
      if (Obeyed(status, bounding)) continue;
      waiting = status.name + " (" + std::to_string(thread) + ")";
      if (told.insert(thread).second) syscall(SYS_tgkill, getpid(), thread, kSignal);
    }
    if (waiting.empty()) return "";
    if ((*error = failure.load()) != 0) return waiting;
    if (std::chrono::steady_clock::now() > deadline) {
      *error = ETIMEDOUT;
      return waiting;
    }
    std::this_thread::sleep_for(kPause);
  }
}

void Obey(const Order &what, const char *step) {
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  order = what;
  failure = 0;
  __user_cap_data_struct data[2]{};
  Read(data);
  const bool bounding = what.act == Act::kKeep && (Joined(data, &__user_cap_data_struct::effective) >> CAP_SETPCAP & 1);
  KernelAction before{}, mine{};
  mine.handler = OnSignal;
  mine.flags = SA_RESTART;
#ifdef __x86_64__
  mine.flags |= kRestorer;
  mine.restorer = telegen_restore_signal;
#endif
  if (syscall(SYS_rt_sigaction, kSignal, &mine, &before, sizeof(mine.mask)) != 0)
    throw Failure(errno, step, "rt_sigaction");
  int error = ObeyHere();
  std::string where = "the calling thread";
  if (error == 0) where = InAllThreads(bounding, &error);
  // Where not all threads have answered, the signal may still come to one: then this handler must stay, or it would end
  // the process.
  if (error == 0) syscall(SYS_rt_sigaction, kSignal, &before, nullptr, sizeof(mine.mask));
  if (error != 0) throw Failure(error, step, where);
}

Napi::Value Effective(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  __user_cap_data_struct data[2]{};
  if (Read(data) != 0) throw Failure(errno, "capget").ToError(env);
  const uint64_t effective = Joined(data, &__user_cap_data_struct::effective);
  Napi::Array names = Napi::Array::New(env);
  uint32_t count = 0;
  for (int bit = 0; bit < kBits; ++bit)
    if (effective >> bit & 1)
      names.Set(count++, bit < kKnown ? std::string(kNames[bit]) : "CAP_" + std::to_string(bit));
  return names;
}

uint64_t BitOf(const std::string &name) {
  for (int bit = 0; bit < kKnown; ++bit)
    if (name == kNames[bit]) return 1ull << bit;
  throw Failure(EINVAL, "keep capabilities", name, "no such capability");
}

Napi::Value KeepOnly(const Napi::CallbackInfo &info) {
  const Napi::Array names = ArrayFrom(info[0], "names", kBits);
  return Guarded(info.Env(), [&] {
    uint64_t keep = 0;
    for (uint32_t index = 0; index < names.Length(); index++) keep |= BitOf(TextFrom(names.Get(index), "name"));
    Obey({Act::kKeep, keep}, "keep capabilities");
    return info.Env().Undefined();
  });
}

Napi::Value NoNewPrivileges(const Napi::CallbackInfo &info) {
  return Guarded(info.Env(), [&] {
    Obey({Act::kNoNewPrivileges, 0}, "no_new_privs");
    return info.Env().Undefined();
  });
}

}  // namespace

void InitPrivileges(Napi::Env env, Napi::Object exports) {
  Napi::Object privileges = Napi::Object::New(env);
  privileges.Set("effective", Napi::Function::New(env, Effective, "effective"));
  privileges.Set("keepOnly", Napi::Function::New(env, KeepOnly, "keepOnly"));
  privileges.Set("noNewPrivileges", Napi::Function::New(env, NoNewPrivileges, "noNewPrivileges"));
  exports.Set("privileges", privileges);
}

}  // namespace telegen
