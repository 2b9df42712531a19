#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>

#include "attachment.h"
#include "failure.h"
#include "libbpf-warnings.h"
#include "probe.h"
#include "verifier-log.h"

namespace telegen {
namespace {

constexpr char kName[] = "telegen_probe";
constexpr char kLicense[] = "Dual BSD/GPL";
constexpr int kXdpPass = 2;
// Says nothing about the packet, so that filters behind it are asked as well.
constexpr int kTcNext = -1;
constexpr int kAllow = 1;

void CheckAttached(const Descriptor &link, const char *detail = "") {
  if (!link) throw Failure(errno, "attach", {}, detail);
}

// Functions, typed tracepoints and LSM hooks: the program itself says what it hangs on.
void TryTracing(const MinimalProgram &minimal) {
  const Descriptor program = LoadMinimal(minimal);
  CheckAttached(Descriptor(bpf_raw_tracepoint_open(nullptr, program.get())));
}

void TryRawTracepoint() {
  const Descriptor program = LoadMinimal({BPF_PROG_TYPE_RAW_TRACEPOINT});
  CheckAttached(Descriptor(bpf_raw_tracepoint_open("sched_process_exec", program.get())));
}

void TryIterator() {
  const Descriptor program = LoadMinimal({BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, "task"});
  const Descriptor link(bpf_link_create(program.get(), 0, BPF_TRACE_ITER, nullptr));
  CheckAttached(link);
  CheckAttached(Descriptor(bpf_iter_create(link.get())));
}

void TryLsm() {
  // Where "bpf" is not among the active modules, programs attach and are never called.
  std::ifstream file("/sys/kernel/security/lsm");
  if (std::string active; std::getline(file, active) && ("," + active + ",").find(",bpf,") == std::string::npos) {
    throw Failure(EOPNOTSUPP, "load", {}, "bpf is not among the active security modules: " + active);
  }
  TryTracing({BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "task_setnice"});
}

void TryKprobeMulti() {
  const Descriptor program = LoadMinimal({BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI});
  const char *symbol = kProbedFunction;
  LIBBPF_OPTS(bpf_link_create_opts, options);
  options.kprobe_multi.cnt = 1;
  options.kprobe_multi.syms = &symbol;
  CheckAttached(Descriptor(bpf_link_create(program.get(), 0, BPF_TRACE_KPROBE_MULTI, &options)));
}

void TryUprobeMulti() {
  const Descriptor program = LoadMinimal({BPF_PROG_TYPE_KPROBE, kAttachUprobeMulti});
  Attachment where;
  where.kind = AttachmentKind::kUprobeMulti;
  where.path = kOwnExecutable;
  where.offsets = {OwnEntryOffset()};
  where.pid = getpid();
  CheckAttached(CreateUprobeMultiLink(program.get(), where));
}

int Loopback() {
  const unsigned index = if_nametoindex("lo");
  if (index == 0) throw Failure(errno, "attach", {}, "there is no loopback interface to try it on");
  return static_cast<int>(index);
}

void TryXdp() {
  const Descriptor program = LoadMinimal({BPF_PROG_TYPE_XDP, BPF_XDP, nullptr, kXdpPass});
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_SKB_MODE);
  const Descriptor link(bpf_link_create(program.get(), Loopback(), BPF_XDP, &options));
  // An interface takes one program: where somebody else's is there, it works.
  if (!link && errno != EBUSY && errno != EEXIST) throw Failure(errno, "attach");
}

// Kernels before 6.6. What is made here is taken away at once; a qdisc that was there stays.
void TryClsact(int program) {
  const LibbpfWarnings warnings;
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = Loopback(), .attach_point = BPF_TC_INGRESS);
  const int made = bpf_tc_hook_create(&hook);
  if (made < 0 && made != -EEXIST) throw Failure(made, "attach", {}, warnings.First());
  LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program);
  const int attached = bpf_tc_attach(&hook, &options);
  if (attached >= 0) {
    LIBBPF_OPTS(bpf_tc_opts, filter, .handle = options.handle, .priority = options.priority);
    bpf_tc_detach(&hook, &filter);
  }
  if (made >= 0) {
    hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
    bpf_tc_hook_destroy(&hook);
  }
  if (attached < 0) throw Failure(attached, "attach", {}, warnings.First());
}

void TryTc() {
  const Descriptor program = LoadMinimal({BPF_PROG_TYPE_SCHED_CLS, 0, nullptr, kTcNext});
  const Descriptor link = CreateTcxLink(program.get(), Loopback(), false);
  if (link) return;
  if (errno != EINVAL) throw Failure(errno, "attach");
  TryClsact(program.get());
}

void TryCgroup(bpf_prog_type type, bpf_attach_type where) {
  const Descriptor program = LoadMinimal({type, where, nullptr, kAllow});
  const std::string path = MountOf("cgroup2");
  if (path.empty()) throw Failure(ENOENT, "attach", {}, "no cgroup2 hierarchy is mounted");
  const Descriptor cgroup(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!cgroup) throw Failure(errno, "attach", {}, path + " cannot be opened");
  CheckAttached(Descriptor(bpf_link_create(program.get(), cgroup.get(), where, nullptr)));
}

void TryRing() {
  const Descriptor ring(
      bpf_map_create(BPF_MAP_TYPE_RINGBUF, kName, 0, 0, static_cast<uint32_t>(getpagesize()), nullptr));
  if (!ring) throw Failure(errno, "create map");
}

const std::map<std::string, std::function<void()>> kHooks = {
    {"fentry",
     [] {
       TryTracing({BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, kProbedFunction});
     }},
    {"kprobe", TryKprobe},
    {"kprobe_multi", TryKprobeMulti},
    {"tp_btf",
     [] {
       TryTracing({BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, "sched_process_exec"});
     }},
    {"tracepoint", TryTracepoint},
    {"raw_tracepoint", TryRawTracepoint},
    {"uprobe", TryUprobe},
    {"uprobe_multi", TryUprobeMulti},
    {"perf_event", TryPerfEvent},
    {"xdp", TryXdp},
    {"tc", TryTc},
    {"cgroup_skb", [] { TryCgroup(BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS); }},
    {"cgroup_sock_addr", [] { TryCgroup(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT); }},
    {"sock_ops", [] { TryCgroup(BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS); }},
    {"iter", TryIterator},
    {"lsm", TryLsm},
    {"ringbuf", TryRing},
};

}  // namespace

Descriptor LoadMinimal(const MinimalProgram &minimal) {
  int target = 0;
  if (minimal.target) {
    const LibbpfWarnings quiet;
    target = libbpf_find_vmlinux_btf_id(minimal.target, static_cast<bpf_attach_type>(minimal.expected_attach_type));
    if (target < 0 && access("/sys/kernel/btf/vmlinux", R_OK) < 0) {
      throw Failure(ENOENT, "load", {}, "the kernel does not describe its types: there is no /sys/kernel/btf/vmlinux");
    }
    if (target < 0) throw Failure(target, "load", {}, std::string(minimal.target) + " is not in the kernel's BTF");
  }
  bpf_insn instructions[2] = {};
  instructions[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
  instructions[0].imm = minimal.result;
  instructions[1].code = BPF_JMP | BPF_EXIT;

  VerifierLog log;
  LIBBPF_OPTS(bpf_prog_load_opts, options,
              .expected_attach_type = static_cast<bpf_attach_type>(minimal.expected_attach_type),
              .attach_btf_id = static_cast<uint32_t>(target), .log_size = VerifierLog::kBytes, .log_buf = log.data());
  Descriptor program(bpf_prog_load(minimal.type, kName, kLicense, instructions, std::size(instructions), &options));
  if (!program) throw Failure(errno, "load", {}, log.Refusal(), log.End());
  return program;
}

bool IsHook(const std::string &type) { return kHooks.count(type) > 0; }

void TryHook(const std::string &type) { kHooks.at(type)(); }

}  // namespace telegen
