#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "failure.h"
#include "maps.h"

namespace telegen {
namespace {

constexpr char kStep[] = "read";
constexpr int kNotSupportedByKernel = 524;
// A batch's place in the map: the kernel writes four bytes for hashes, and a key for others.
constexpr size_t kPlaceBytesLeast = 16;
// An entry that goes away between finding and reading it is tried again this many times per entry wanted.
constexpr uint32_t kTriesPerEntry = 4;

struct Target {
  int map;
  const MapShape &shape;
  uint8_t *keys;
  uint8_t *values;
  uint32_t capacity;

  uint8_t *Key(uint32_t index) const { return keys + size_t{index} * shape.key_bytes; }
  uint8_t *Value(uint32_t index) const { return values + size_t{index} * shape.value_bytes; }
};

bool HasNoBatches(int error) { return error == EINVAL || error == EOPNOTSUPP || error == kNotSupportedByKernel; }

// For kernels and maps without batches, and where a bucket holds more than there is room for. From the first entry to
// the last, beginning behind `count`, which were already read (and taken out).
uint32_t ReadOneByOne(const Target &target, uint32_t count, bool remove) {
  std::vector<uint8_t> previous(target.shape.key_bytes);
  bool first = true;
  const uint64_t tries = uint64_t{kTriesPerEntry} * target.capacity;
  for (uint64_t attempt = 0; count < target.capacity && attempt < tries; attempt++) {
    uint8_t *key = target.Key(count);
    // What is taken out is not there to go on from: the first one is always the next.
    if (bpf_map_get_next_key(target.map, first || remove ? nullptr : previous.data(), key) < 0) {
      if (errno == ENOENT) break;
      throw Failure(errno, kStep);
    }
    first = false;
    std::copy_n(key, previous.size(), previous.data());
    if (bpf_map_lookup_elem(target.map, key, target.Value(count)) < 0) {
      if (errno == ENOENT) continue;
      throw Failure(errno, kStep);
    }
    if (remove && bpf_map_delete_elem(target.map, key) < 0 && errno != ENOENT) throw Failure(errno, kStep);
    count++;
  }
  return count;
}

}  // namespace

uint32_t ReadEntries(int map, const MapShape &shape, uint8_t *keys, uint8_t *values, uint32_t capacity, bool remove) {
  const Target target{map, shape, keys, values, capacity};
  const auto read_batch = remove ? bpf_map_lookup_and_delete_batch : bpf_map_lookup_batch;
  const size_t place_bytes = std::max<size_t>(kPlaceBytesLeast, shape.key_bytes);
  std::vector<uint8_t> place(place_bytes);
  std::vector<uint8_t> next_place(place_bytes);
  LIBBPF_OPTS(bpf_map_batch_opts, options);

  uint32_t count = 0;
  bool first = true;
  while (count < capacity) {
    uint32_t some = capacity - count;
    const int result = read_batch(map, first ? nullptr : place.data(), next_place.data(), target.Key(count),
                                  target.Value(count), &some, &options);
    const int error = result < 0 ? errno : 0;
    if (error == ENOENT) return count + some;
    if (error == ENOSPC || (first && HasNoBatches(error))) {
      // Entries that were not taken out come once more from the start.
      return ReadOneByOne(target, remove ? count : 0, remove);
    }
    if (error != 0) throw Failure(error, kStep);
    count += some;
    first = false;
    std::swap(place, next_place);
  }
  return count;
}

}  // namespace telegen
