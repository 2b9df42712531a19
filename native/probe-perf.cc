#include <elf.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "attachment.h"
#include "failure.h"
#include "probe.h"

namespace telegen {
namespace {

constexpr char kStep[] = "attach";
constexpr char kTracefs[] = "/sys/kernel/tracing";
constexpr char kTracefsOfOld[] = "/sys/kernel/debug/tracing";
constexpr uint16_t kProgramHeadersMax = 256;

// Of the two places that libbpf looks at.
std::string Tracefs(const std::string &wanted_because = {}) {
  for (const char *path : {kTracefs, kTracefsOfOld}) {
    if (access((std::string(path) + "/events").c_str(), F_OK) == 0) return path;
  }
  throw Failure(ENOENT, kStep, {},
                wanted_because + "tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing");
}

uint64_t NumberIn(const std::string &path) {
  std::ifstream file(path);
  uint64_t number = 0;
  if (file >> number) return number;
  const int error = access(path.c_str(), R_OK) < 0 ? errno : EIO;
  throw Failure(error, kStep, {}, path + " cannot be read: " + strerror(error));
}

Descriptor Open(perf_event_attr &attributes, int pid) {
  attributes.size = sizeof(attributes);
  // Of all processes: on one CPU, which is enough to hear whether it is granted.
  const int cpu = pid < 0 ? 0 : -1;
  Descriptor event(static_cast<int>(syscall(SYS_perf_event_open, &attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!event) throw Failure(errno, kStep, {}, std::string("the kernel gives no perf event: ") + strerror(errno));
  return event;
}

void Attach(const Descriptor &event, const Descriptor &program) {
  if (ioctl(event.get(), PERF_EVENT_IOC_SET_BPF, program.get()) < 0) throw Failure(errno, kStep);
  if (ioctl(event.get(), PERF_EVENT_IOC_ENABLE, 0) < 0) throw Failure(errno, kStep);
}

void AttachTracepoint(uint64_t id, const Descriptor &program) {
  perf_event_attr attributes = {};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.config = id;
  attributes.sample_period = 1;
  const Descriptor event = Open(attributes, -1);
  Attach(event, program);
}

std::string PmuType(const std::string &name) { return "/sys/bus/event_source/devices/" + name + "/type"; }

// `target`: the function's name, or the file's path.
void AttachByPmu(const std::string &pmu, const char *target, uint64_t offset, int pid, const Descriptor &program) {
  perf_event_attr attributes = {};
  attributes.type = static_cast<uint32_t>(NumberIn(PmuType(pmu)));
  attributes.config1 = reinterpret_cast<uintptr_t>(target);
  attributes.config2 = offset;
  const Descriptor event = Open(attributes, pid);
  Attach(event, program);
}

// A kprobe by tracefs, which stays until it is taken away by name.
class TracefsKprobe {
 public:
  TracefsKprobe(const std::string &tracefs, const std::string &function)
      : events_(tracefs + "/kprobe_events"), name_("telegen/probe_" + std::to_string(gettid())) {
    if (!Write("p:" + name_ + " " + function)) {
      throw Failure(errno, kStep, {}, "neither perf nor tracefs has kprobes here: " + events_ + ": " + strerror(errno));
    }
  }
  ~TracefsKprobe() { Write("-:" + name_); }

  const std::string &name() const { return name_; }

 private:
  bool Write(const std::string &line) const {
    const Descriptor file(open(events_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    return file && write(file.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size());
  }

  const std::string events_;
  const std::string name_;
};

}  // namespace

void TryTracepoint() {
  const Descriptor program = LoadMinimal({BPF_PROG_TYPE_TRACEPOINT});
  const std::string path = Tracefs() + "/events/sched/sched_process_exec/id";
  AttachTracepoint(NumberIn(path), program);
}

void TryKprobe() {
  const Descriptor program = LoadMinimal({BPF_PROG_TYPE_KPROBE});
  if (access(PmuType("kprobe").c_str(), F_OK) == 0) {
    AttachByPmu("kprobe", kProbedFunction, 0, -1, program);
    return;
  }
  const std::string tracefs = Tracefs("perf has no kprobes here, and ");
  const TracefsKprobe kprobe(tracefs, kProbedFunction);
  const std::string path = tracefs + "/events/" + kprobe.name() + "/id";
  AttachTracepoint(NumberIn(path), program);
}

void TryUprobe() {
  const Descriptor program = LoadMinimal({BPF_PROG_TYPE_KPROBE});
  AttachByPmu("uprobe", kOwnExecutable, OwnEntryOffset(), getpid(), program);
}

void TryPerfEvent() {
  const Descriptor program = LoadMinimal({BPF_PROG_TYPE_PERF_EVENT});
  const Descriptor event = OpenCpuClock(-1, sched_getcpu(), 1);
  if (!event) throw Failure(errno, kStep, {}, std::string("the kernel gives no perf event: ") + strerror(errno));
  Attach(event, program);
}

uint64_t OwnEntryOffset() {
  std::ifstream file(kOwnExecutable, std::ios::binary);
  Elf64_Ehdr header = {};
  file.read(reinterpret_cast<char *>(&header), sizeof(header));
  for (uint16_t index = 0; file && index < header.e_phnum && index < kProgramHeadersMax; index++) {
    Elf64_Phdr segment = {};
    file.seekg(static_cast<std::streamoff>(header.e_phoff + uint64_t{index} * sizeof(segment)));
    file.read(reinterpret_cast<char *>(&segment), sizeof(segment));
    const uint64_t within = header.e_entry - segment.p_vaddr;
    if (segment.p_type == PT_LOAD && within < segment.p_filesz) return segment.p_offset + within;
  }
  throw Failure(ENOEXEC, kStep, {}, "the entry of this process's own executable cannot be found");
}

std::string MountOf(const std::string &type) {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    // "36 35 0:30 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw": the type comes behind the dash.
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos || line.compare(dash + 3, type.size() + 1, type + " ") != 0) continue;
    std::istringstream fields(line);
    std::string path;
    for (int field = 0; field < 5; field++) fields >> path;
    return path;
  }
  return {};
}

}  // namespace telegen
