#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/if_link.h>

#include <cerrno>

#include "attachment.h"
#include "failure.h"
#include "libbpf-warnings.h"
#include "release.h"

namespace telegen {
namespace {

constexpr char kStep[] = "attach";

std::unique_ptr<Attached> Keep(std::function<void()> detach, bool slow) {
  return std::make_unique<Attached>(std::move(detach), slow);
}

std::unique_ptr<Attached> KeepLink(Descriptor link, bool slow = false) {
  // A link of the kernel's is gone with its last descriptor. std::function must be copyable, which a Descriptor is not.
  return Keep([number = link.Release()] { close(number); }, slow);
}

std::unique_ptr<Attached> KeepLink(bpf_link *link, bool slow) {
  return Keep([link] { bpf_link__destroy(link); }, slow);
}

// Programs that hang on a perf event.
bool DetachesSlowly(const bpf_program *program) {
  switch (bpf_program__type(program)) {
    case BPF_PROG_TYPE_TRACEPOINT:
    case BPF_PROG_TYPE_KPROBE:
    case BPF_PROG_TYPE_PERF_EVENT:
      return true;
    default:
      return false;
  }
}

[[noreturn]] void Fail(int error, const bpf_program *program, const std::string &detail = {}) {
  throw Failure(error, kStep, bpf_program__name(program), detail);
}

// Of a function of libbpf, which returns no link and leaves the reason in errno and in its warnings.
std::unique_ptr<Attached> Checked(bpf_link *link, const bpf_program *program, const LibbpfWarnings &warnings) {
  if (!link) Fail(errno, program, warnings.First());
  return KeepLink(link, DetachesSlowly(program));
}

std::unique_ptr<Attached> AttachCgroup(bpf_program *program, const Attachment &where) {
  const Descriptor cgroup(open(where.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!cgroup) Fail(errno, program, "the cgroup " + where.path + " cannot be opened");
  const LibbpfWarnings warnings;
  return Checked(bpf_program__attach_cgroup(program, cgroup.get()), program, warnings);
}

// To the kernel a program of kprobes is of the same type, though what it reads would be something else.
void CheckIsUprobe(const bpf_program *program) {
  const std::string section = bpf_program__section_name(program);
  if (section.rfind("uprobe", 0) != 0 && section.rfind("uretprobe", 0) != 0) Fail(EINVAL, program, "no uprobe program");
}

std::unique_ptr<Attached> AttachUprobe(bpf_program *program, const Attachment &where) {
  CheckIsUprobe(program);
  const LibbpfWarnings warnings;
  LIBBPF_OPTS(bpf_uprobe_opts, options, .retprobe = where.returns);
  bpf_link *link = bpf_program__attach_uprobe_opts(program, where.pid, where.path.c_str(), where.offsets[0], &options);
  return Checked(link, program, warnings);
}

std::unique_ptr<Attached> AttachUprobeMulti(bpf_program *program, const Attachment &where) {
  CheckIsUprobe(program);
  Descriptor link = CreateUprobeMultiLink(bpf_program__fd(program), where);
  if (!link) Fail(errno, program);
  return KeepLink(std::move(link), true);
}

std::unique_ptr<Attached> AttachPerfEvent(bpf_program *program, const Attachment &where) {
  Descriptor event = OpenCpuClock(where.pid, where.cpu, where.frequency);
  if (!event) Fail(errno, program, "the kernel gives no perf event");
  const LibbpfWarnings warnings;
  std::unique_ptr<Attached> attached = Checked(bpf_program__attach_perf_event(program, event.get()), program, warnings);
  event.Release();  // The link's now.
  return attached;
}

std::unique_ptr<Attached> AttachXdp(bpf_program *program, const Attachment &where) {
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = where.generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
  Descriptor link(bpf_link_create(bpf_program__fd(program), where.interface, BPF_XDP, &options));
  if (!link) Fail(errno, program);
  return KeepLink(std::move(link));
}

// As a link where the kernel has it (tcx, 6.6): it goes with the process, however that ends. Otherwise as a filter of
// the clsact qdisc, which is made where it is missing and then stays, since others may have come to use it.
std::unique_ptr<Attached> AttachTc(bpf_program *program, const Attachment &where) {
  Descriptor link = CreateTcxLink(bpf_program__fd(program), where.interface, where.egress);
  if (link) return KeepLink(std::move(link));
  if (errno != EINVAL) Fail(errno, program);

  const LibbpfWarnings warnings;
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = where.interface,
              .attach_point = where.egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
  const int made = bpf_tc_hook_create(&hook);
  if (made < 0 && made != -EEXIST) Fail(made, program, warnings.First());
  LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = bpf_program__fd(program));
  const int attached = bpf_tc_attach(&hook, &options);
  if (attached < 0) Fail(attached, program, warnings.First());

  const auto detach = [hook, handle = options.handle, priority = options.priority] {
    bpf_tc_hook from = hook;
    LIBBPF_OPTS(bpf_tc_opts, filter, .handle = handle, .priority = priority);
    bpf_tc_detach(&from, &filter);
  };
  return Keep(detach, false);
}

}  // namespace

Attached::~Attached() {
  if (slow_) {
    ReleaseLater(std::move(detach_));
  } else {
    detach_();
  }
}

std::unique_ptr<Attached> AttachProgram(bpf_program *program, const Attachment *where) {
  if (!where) {
    const LibbpfWarnings warnings;
    return Checked(bpf_program__attach(program), program, warnings);
  }
  switch (where->kind) {
    case AttachmentKind::kCgroup:
      return AttachCgroup(program, *where);
    case AttachmentKind::kUprobe:
      return AttachUprobe(program, *where);
    case AttachmentKind::kUprobeMulti:
      return AttachUprobeMulti(program, *where);
    case AttachmentKind::kPerfEvent:
      return AttachPerfEvent(program, *where);
    case AttachmentKind::kXdp:
      return AttachXdp(program, *where);
    case AttachmentKind::kTc:
      return AttachTc(program, *where);
  }
  throw Failure(EINVAL, kStep, bpf_program__name(program));
}

}  // namespace telegen
