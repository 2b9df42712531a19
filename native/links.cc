// Links made by the bpf() call itself, where libbpf 1.1 has no function for it.
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>

#include <cstring>

#include "attachment.h"

namespace telegen {
namespace {

// The part of `union bpf_attr` that BPF_LINK_CREATE reads, as of 6.6.
struct LinkCreate {
  uint32_t program;
  uint32_t target;
  uint32_t attach_type;
  uint32_t flags;
  union {
    struct {
      uint64_t path;
      uint64_t offsets;
      uint64_t reference_counters;
      uint64_t cookies;
      uint32_t count;
      uint32_t flags;
      uint32_t pid;
    } uprobe_multi;
    struct {
      uint32_t relative;
      uint32_t pad;
      uint64_t expected_revision;
    } tcx;
  };
};

constexpr uint32_t kUprobeMultiReturns = 1;

Descriptor Create(const LinkCreate &attributes) {
  return Descriptor(static_cast<int>(syscall(SYS_bpf, BPF_LINK_CREATE, &attributes, sizeof(attributes))));
}

LinkCreate Attributes(int program, int target, uint32_t attach_type) {
  LinkCreate attributes;
  memset(&attributes, 0, sizeof(attributes));
  attributes.program = static_cast<uint32_t>(program);
  attributes.target = static_cast<uint32_t>(target);
  attributes.attach_type = attach_type;
  return attributes;
}

}  // namespace

Descriptor CreateUprobeMultiLink(int program, const Attachment &where) {
  LinkCreate attributes = Attributes(program, 0, kAttachUprobeMulti);
  attributes.uprobe_multi.path = reinterpret_cast<uintptr_t>(where.path.c_str());
  attributes.uprobe_multi.offsets = reinterpret_cast<uintptr_t>(where.offsets.data());
  attributes.uprobe_multi.count = static_cast<uint32_t>(where.offsets.size());
  attributes.uprobe_multi.flags = where.returns ? kUprobeMultiReturns : 0;
  // Where perf says -1 for all processes and 0 for this one, this link says 0 for all.
  attributes.uprobe_multi.pid = static_cast<uint32_t>(where.pid < 0 ? 0 : where.pid == 0 ? getpid() : where.pid);
  return Create(attributes);
}

Descriptor CreateTcxLink(int program, int interface, bool egress) {
  return Create(Attributes(program, interface, egress ? kAttachTcxEgress : kAttachTcxIngress));
}

Descriptor OpenCpuClock(int pid, int cpu, uint64_t frequency) {
  perf_event_attr attributes;
  memset(&attributes, 0, sizeof(attributes));
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_CPU_CLOCK;
  attributes.freq = 1;
  attributes.sample_freq = frequency;
  return Descriptor(static_cast<int>(syscall(SYS_perf_event_open, &attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
}

}  // namespace telegen
