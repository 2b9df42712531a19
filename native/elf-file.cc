#include "elf-file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "failure.h"

namespace telegen {
namespace {

constexpr uint64_t kSectionsMax = 100'000;
constexpr uint64_t kSegmentsMax = 1024;
constexpr uint64_t kSymbolsMax = 4'000'000;
// Of all names together. One alone is cut.
constexpr uint64_t kNameBytesMax = 256 * 1024 * 1024;
constexpr uint64_t kLongestName = 4096;
constexpr uint64_t kNoteBytesMax = 1024 * 1024;
// Symbols are read this many at a time.
constexpr uint64_t kSymbolsAtOnce = 16 * 1024;

[[noreturn]] void Malformed(const std::string &path, const std::string &why) {
  throw Failure(ENOEXEC, "read ELF file", path, why);
}

}  // namespace

// Not waiting, should it be a pipe.
ElfFile::ElfFile(const std::string &path)
    : ElfFile(Descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)), path) {}

ElfFile::ElfFile(Descriptor descriptor, const std::string &path) : path_(path), descriptor_(std::move(descriptor)) {
  if (!descriptor_) throw Failure(errno, "open", path);
  struct stat about {};
  if (fstat(descriptor_.get(), &about) != 0) throw Failure(errno, "stat", path);
  if (!S_ISREG(about.st_mode)) Malformed(path, "not a regular file");
  size_ = static_cast<uint64_t>(about.st_size);
  if (size_ < sizeof(header_)) Malformed(path, "not an ELF file");
  ReadInto(&header_, 0, sizeof(header_), "header");
  if (memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0) Malformed(path, "not an ELF file");
  if (header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_ident[EI_DATA] != ELFDATA2LSB)
    Malformed(path, "not a 64-bit little-endian ELF file");
  ReadSections();
}

void ElfFile::ReadSections() {
  if (header_.e_shoff != 0) {
    if (header_.e_shentsize != sizeof(Elf64_Shdr)) Malformed(path_, "section headers of another size");
    Elf64_Shdr first{};
    ReadInto(&first, header_.e_shoff, sizeof(first), "section headers");
    // Where there are more than fit, the first says how many.
    const uint64_t count = header_.e_shnum != 0 ? header_.e_shnum : first.sh_size;
    if (count > kSectionsMax) Malformed(path_, "more than " + std::to_string(kSectionsMax) + " sections");
    sections_.resize(count);
    ReadInto(sections_.data(), header_.e_shoff, count * sizeof(Elf64_Shdr), "section headers");
  }
  if (header_.e_phoff == 0 || header_.e_phnum == 0) return;
  if (header_.e_phentsize != sizeof(Elf64_Phdr)) Malformed(path_, "program headers of another size");
  const uint64_t count = header_.e_phnum != PN_XNUM ? header_.e_phnum : sections_.empty() ? 0 : sections_[0].sh_info;
  if (count > kSegmentsMax) Malformed(path_, "more than " + std::to_string(kSegmentsMax) + " segments");
  segments_.resize(count);
  ReadInto(segments_.data(), header_.e_phoff, count * sizeof(Elf64_Phdr), "program headers");
}

void ElfFile::ReadInto(void *target, uint64_t offset, uint64_t length, const char *what) const {
  if (offset > size_ || length > size_ - offset) Malformed(path_, std::string(what) + " beyond the end of the file");
  auto *bytes = static_cast<uint8_t *>(target);
  while (length > 0) {
    const ssize_t count = pread(descriptor_.get(), bytes, length, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Failure(errno, "read", path_);
    if (count == 0) Malformed(path_, "cut short while it was read");
    bytes += count;
    offset += static_cast<uint64_t>(count);
    length -= static_cast<uint64_t>(count);
  }
}

std::vector<uint8_t> ElfFile::Read(uint64_t offset, uint64_t length, uint64_t length_max, const char *what) const {
  if (length > length_max) Malformed(path_, std::string(what) + " of " + std::to_string(length) + " bytes");
  if (offset > size_ || length > size_ - offset) Malformed(path_, std::string(what) + " beyond the end of the file");
  std::vector<uint8_t> bytes(length);
  ReadInto(bytes.data(), offset, length, what);
  return bytes;
}

void ElfFile::EachFunction(const std::function<void(const ElfFunction &)> &visit) const {
  for (const uint32_t type : {SHT_SYMTAB, SHT_DYNSYM})
    for (const Elf64_Shdr &section : sections_)
      if (section.sh_type == type) {
        EachFunctionOf(section, visit);
        break;  // there is one of each
      }
}

void ElfFile::EachFunctionOf(const Elf64_Shdr &table, const std::function<void(const ElfFunction &)> &visit) const {
  if (table.sh_entsize != sizeof(Elf64_Sym)) Malformed(path_, "symbols of another size");
  if (table.sh_link >= sections_.size() || sections_[table.sh_link].sh_type != SHT_STRTAB)
    Malformed(path_, "symbols without names");
  const Elf64_Shdr &names_section = sections_[table.sh_link];
  const std::vector<uint8_t> names =
      Read(names_section.sh_offset, names_section.sh_size, kNameBytesMax, "names of symbols");
  const uint64_t count = table.sh_size / sizeof(Elf64_Sym);
  if (count > kSymbolsMax) Malformed(path_, "more than " + std::to_string(kSymbolsMax) + " symbols");
  std::vector<Elf64_Sym> symbols;
  for (uint64_t from = 0; from < count; from += symbols.size()) {
    symbols.resize(std::min(kSymbolsAtOnce, count - from));
    uint64_t offset = 0;
    if (__builtin_add_overflow(table.sh_offset, from * sizeof(Elf64_Sym), &offset)) Malformed(path_, "symbols nowhere");
    ReadInto(symbols.data(), offset, symbols.size() * sizeof(Elf64_Sym), "symbols");
    for (const Elf64_Sym &symbol : symbols) {
      const unsigned type = ELF64_ST_TYPE(symbol.st_info);
      if ((type != STT_FUNC && type != STT_GNU_IFUNC) || symbol.st_shndx == SHN_UNDEF) continue;
      if (symbol.st_name >= names.size()) continue;
      const auto *name = reinterpret_cast<const char *>(names.data()) + symbol.st_name;
      const size_t length = strnlen(name, std::min<uint64_t>(kLongestName, names.size() - symbol.st_name));
      visit({{name, length}, symbol.st_value, symbol.st_size, ELF64_ST_BIND(symbol.st_info) != STB_LOCAL});
    }
  }
}

std::optional<ElfFile::Place> ElfFile::PlaceOf(uint64_t address) const {
  for (const Elf64_Phdr &segment : segments_) {
    if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
    const uint64_t within = address - segment.p_vaddr;
    if (within >= segment.p_filesz) continue;
    uint64_t offset = 0;
    if (__builtin_add_overflow(segment.p_offset, within, &offset) || offset >= size_) continue;
    return Place{offset, std::min(segment.p_filesz - within, size_ - offset)};
  }
  return std::nullopt;
}

std::optional<uint64_t> ElfFile::CodeAddressOf(uint64_t offset) const {
  for (const Elf64_Phdr &segment : segments_) {
    if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X)) continue;
    if (offset < segment.p_offset || offset - segment.p_offset >= segment.p_filesz || offset >= size_) continue;
    uint64_t address = 0;
    if (!__builtin_add_overflow(segment.p_vaddr, offset - segment.p_offset, &address)) return address;
  }
  return std::nullopt;
}

std::vector<uint8_t> ElfFile::Note(uint32_t type, std::string_view owner) const {
  for (const Elf64_Phdr &segment : segments_) {
    if (segment.p_type != PT_NOTE) continue;
    std::vector<uint8_t> found = NoteIn(segment.p_offset, segment.p_filesz, segment.p_align, type, owner);
    if (!found.empty()) return found;
  }
  for (const Elf64_Shdr &section : sections_) {
    if (section.sh_type != SHT_NOTE) continue;
    std::vector<uint8_t> found = NoteIn(section.sh_offset, section.sh_size, section.sh_addralign, type, owner);
    if (!found.empty()) return found;
  }
  return {};
}

std::vector<uint8_t> ElfFile::NoteIn(uint64_t offset, uint64_t length, uint64_t alignment, uint32_t type,
                                     std::string_view owner) const {
  const std::vector<uint8_t> bytes = Read(offset, length, kNoteBytesMax, "notes");
  const uint64_t unit = alignment == 8 ? 8 : 4;
  const auto rounded = [unit](uint64_t value) { return (value + unit - 1) / unit * unit; };
  for (uint64_t at = 0; bytes.size() - at >= sizeof(Elf64_Nhdr);) {
    Elf64_Nhdr note{};
    memcpy(&note, bytes.data() + at, sizeof(note));
    const uint64_t name = at + sizeof(note);
    const uint64_t description = name + rounded(note.n_namesz);
    const uint64_t end = description + note.n_descsz;
    if (description > bytes.size() || end > bytes.size()) return {};
    // With its zero.
    const bool owned =
        note.n_namesz == owner.size() + 1 && memcmp(bytes.data() + name, owner.data(), owner.size()) == 0;
    if (owned && note.n_type == type) return {bytes.begin() + description, bytes.begin() + end};
    at = description + rounded(note.n_descsz);
    if (at > bytes.size()) return {};
  }
  return {};
}

}  // namespace telegen
