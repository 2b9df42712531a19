// Maps by their descriptors.
#pragma once
#include <linux/bpf.h>

#include <cstdint>
#include <string>

namespace telegen {

struct MapShape {
  uint32_t type;
  uint32_t key_bytes;
  // As user space reads and writes it: of a per-CPU map, the values of all possible CPUs.
  uint32_t value_bytes;
  uint32_t value_size;
  uint32_t max_entries;
  std::string name;
};

// Asked of the kernel before each access: it copies as much as the map says, whatever room there is. Throws a Failure.
MapShape ShapeOf(int map, const char *step);

// Reads as many entries as there are, `capacity` at most, and returns how many (map-read.cc).
uint32_t ReadEntries(int map, const MapShape &shape, uint8_t *keys, uint8_t *values, uint32_t capacity, bool remove);

}  // namespace telegen
