// Reads an ELF file that anybody may have written: every offset and count is checked against the file, nothing is
// mapped (a file that is cut short while it is mapped ends the process), and what is read at once is bounded.
#pragma once
#include <elf.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "descriptor.h"

namespace telegen {

// Of a symbol that is a function defined in this file. `name` is valid during the call.
struct ElfFunction {
  std::string_view name;
  uint64_t address;
  uint64_t size;
  bool global;
};

class ElfFile {
 public:
  // Throws a Failure where it is no 64-bit little-endian ELF file.
  explicit ElfFile(const std::string &path);
  // Of a file that is open, under a name for messages.
  ElfFile(Descriptor descriptor, const std::string &path);

  uint16_t machine() const { return header_.e_machine; }
  const std::string &path() const { return path_; }

  // Of .symtab, then of .dynsym: the same function may come twice.
  void EachFunction(const std::function<void(const ElfFunction &)> &visit) const;
  // Where in the file a virtual address stands, if it is of a segment that is loaded from it; with how many bytes
  // follow it there.
  struct Place {
    uint64_t offset;
    uint64_t length;
  };
  std::optional<Place> PlaceOf(uint64_t address) const;
  // The virtual address of a place in the file, if it is of a segment that is loaded to be run.
  std::optional<uint64_t> CodeAddressOf(uint64_t offset) const;
  std::vector<uint8_t> Read(uint64_t offset, uint64_t length, uint64_t length_max, const char *what) const;
  // Descriptions of notes of this type and owner: the first, or nothing.
  std::vector<uint8_t> Note(uint32_t type, std::string_view owner) const;

 private:
  void ReadSections();
  void ReadInto(void *target, uint64_t offset, uint64_t length, const char *what) const;
  void EachFunctionOf(const Elf64_Shdr &table, const std::function<void(const ElfFunction &)> &visit) const;
  std::vector<uint8_t> NoteIn(uint64_t offset, uint64_t length, uint64_t alignment, uint32_t type,
                              std::string_view owner) const;

  std::string path_;
  Descriptor descriptor_;
  uint64_t size_ = 0;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Phdr> segments_;
  std::vector<Elf64_Shdr> sections_;
};

}  // namespace telegen
