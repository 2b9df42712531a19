// Where a program is attached, and what holds it there.
#pragma once
#include <bpf/libbpf.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "descriptor.h"

namespace telegen {

enum class AttachmentKind { kCgroup, kUprobe, kUprobeMulti, kPerfEvent, kXdp, kTc };

// One struct for all kinds: each uses what it needs of it (src/native/addon.ts says which).
struct Attachment {
  AttachmentKind kind;
  std::string path;
  std::vector<uint64_t> offsets;
  int pid = -1;
  int cpu = -1;
  bool returns = false;
  uint64_t frequency = 0;
  int interface = 0;
  bool generic = false;
  bool egress = false;
};

// What keeps a program attached; letting go of it detaches.
class Attached {
 public:
  // `slow`: detaching waits for all CPUs, and is done behind (release.h).
  Attached(std::function<void()> detach, bool slow) : detach_(std::move(detach)), slow_(slow) {}
  ~Attached();
  Attached(const Attached &) = delete;
  Attached &operator=(const Attached &) = delete;

 private:
  std::function<void()> detach_;
  bool slow_;
};

// Throws a Failure. `where` null: as the program's section says.
std::unique_ptr<Attached> AttachProgram(bpf_program *program, const Attachment *where);

// Link types that libbpf 1.1 does not know, and the headers of Debian 12 do not either: numbers are the kernel's ABI.
constexpr uint32_t kAttachTcxIngress = 46;
constexpr uint32_t kAttachTcxEgress = 47;
constexpr uint32_t kAttachUprobeMulti = 48;

// BPF_LINK_CREATE, returning the link or, where the kernel refuses, none with errno set.
Descriptor CreateUprobeMultiLink(int program, const Attachment &where);
Descriptor CreateTcxLink(int program, int interface, bool egress);
// A perf event on the CPU's clock in software, which every machine has. `pid` -1 is all processes, `cpu` -1 all CPUs of
// one process.
Descriptor OpenCpuClock(int pid, int cpu, uint64_t frequency);

}  // namespace telegen
