// A BPF object as libbpf has it: opened, loaded, its programs attached. Nothing here knows JavaScript; all methods may
// be called on any thread.
#pragma once
#include <bpf/libbpf.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "attachment.h"
#include "kernel.h"

namespace telegen {

struct ObjectSpec {
  std::string name;
  std::vector<uint8_t> elf;
  std::map<std::string, std::vector<uint8_t>> constants;
  std::map<std::string, uint32_t> map_sizes;
  std::map<std::string, int> shared_maps;
  std::vector<std::string> without;
};

class Object {
 public:
  // Opens and loads; throws a Failure, after which nothing is left in the kernel.
  explicit Object(const ObjectSpec &spec);
  ~Object();
  Object(const Object &) = delete;
  Object &operator=(const Object &) = delete;

  const std::vector<std::string> &program_names() const { return program_names_; }
  int Map(const std::string &name);
  // `where` may be null: as the program's section says.
  uint32_t Attach(const std::string &program, const Attachment *where);
  void Detach(uint32_t handle);
  std::vector<ProgramCounts> Counts();
  void Close();

 private:
  struct Closer {
    void operator()(bpf_object *object) const { bpf_object__close(object); }
  };

  bpf_program *Program(const std::string &name, const char *step);

  const std::string name_;
  std::vector<std::string> program_names_;
  // Held while libbpf is at work on the object, so that closing waits for an attachment that is on its way.
  std::mutex mutex_;
  std::unique_ptr<bpf_object, Closer> object_;
  std::map<uint32_t, std::unique_ptr<Attached>> attached_;
  uint32_t next_handle_ = 1;
};

// Sets `const volatile` variables of an object that is open, by the types that its BTF describes (constants.cc).
void SetConstants(bpf_object *object, const ObjectSpec &spec);

// What the kernel takes as the size of a ring: a power of two of pages.
uint32_t RingBytes(uint32_t at_least);

}  // namespace telegen
