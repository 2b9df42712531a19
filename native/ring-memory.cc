#include "ring-memory.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "failure.h"

namespace telegen {
namespace {

constexpr size_t kHeaderBytes = BPF_RINGBUF_HDR_SZ;

// By fdinfo rather than by bpf(), which kernels before 5.16 refuse to those without privileges altogether.
size_t RingSize(int map, int subject) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(map));
  std::string name;
  uint64_t value = 0;
  uint64_t type = 0;
  uint64_t size = 0;
  for (std::string line; std::getline(info, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    name = line.substr(0, colon);
    value = strtoull(line.c_str() + colon + 1, nullptr, 10);
    if (name == "map_type") type = value;
    if (name == "max_entries") size = value;
  }
  if (type != BPF_MAP_TYPE_RINGBUF || size == 0) {
    throw Failure(EINVAL, "open ring", std::to_string(subject), "the descriptor is not that of a ring buffer map");
  }
  return size;
}

const uint64_t *Position(const uint8_t *page) { return reinterpret_cast<const uint64_t *>(page); }

}  // namespace

RingMemory::RingMemory(int map) : map_(fcntl(map, F_DUPFD_CLOEXEC, 3)), page_(static_cast<size_t>(getpagesize())) {
  if (!map_) throw Failure(errno, "open ring", std::to_string(map));
  size_ = RingSize(map_.get(), map);
  void *consumer = mmap(nullptr, page_, PROT_READ | PROT_WRITE, MAP_SHARED, map_.get(), 0);
  if (consumer == MAP_FAILED) throw Failure(errno, "map ring", std::to_string(map));
  void *producer = mmap(nullptr, page_ + 2 * size_, PROT_READ, MAP_SHARED, map_.get(), static_cast<off_t>(page_));
  if (producer == MAP_FAILED) {
    const int error = errno;
    munmap(consumer, page_);
    throw Failure(error, "map ring", std::to_string(map));
  }
  consumer_page_ = static_cast<uint8_t *>(consumer);
  producer_pages_ = static_cast<const uint8_t *>(producer);
}

RingMemory::~RingMemory() {
  munmap(consumer_page_, page_);
  munmap(const_cast<uint8_t *>(producer_pages_), page_ + 2 * size_);
}

size_t RingMemory::Pending() const {
  // The reader's first: what is read later can only be further on.
  const uint64_t consumed = __atomic_load_n(Position(consumer_page_), __ATOMIC_ACQUIRE);
  const uint64_t produced = __atomic_load_n(Position(producer_pages_), __ATOMIC_ACQUIRE);
  return produced - consumed;
}

size_t RingMemory::Drain(uint8_t *target, size_t room) {
  const uint64_t begin = __atomic_load_n(Position(consumer_page_), __ATOMIC_ACQUIRE);
  const uint64_t produced = __atomic_load_n(Position(producer_pages_), __ATOMIC_ACQUIRE);
  // The page is writable to whoever has the map: without this a position of nonsense would be read beyond the mapping.
  if (produced - begin > size_) throw Failure(EIO, "drain", {}, "the ring's positions make no sense");

  const uint8_t *data = producer_pages_ + page_ + (begin & (size_ - 1));
  const size_t waiting = produced - begin;
  size_t bytes = 0;
  while (bytes < waiting) {
    const uint32_t length = __atomic_load_n(reinterpret_cast<const uint32_t *>(data + bytes), __ATOMIC_ACQUIRE);
    if (length & BPF_RINGBUF_BUSY_BIT) break;
    const size_t record = (kHeaderBytes + (length & ~BPF_RINGBUF_DISCARD_BIT) + 7) / 8 * 8;
    if (record > waiting - bytes) throw Failure(EIO, "drain", {}, "a record reaches beyond what was written");
    if (record > room - bytes) {
      if (bytes == 0)
        throw Failure(EMSGSIZE, "drain", {}, "the next record is of " + std::to_string(record) + " bytes");
      break;
    }
    bytes += record;
  }
  if (bytes == 0) return 0;
  memcpy(target, data, bytes);
  __atomic_store_n(reinterpret_cast<uint64_t *>(consumer_page_), begin + bytes, __ATOMIC_RELEASE);
  return bytes;
}

}  // namespace telegen
