// A ring buffer map as its reader sees it: by its memory alone, so that a process without any privilege can read what
// it was passed.
#pragma once
#include <cstddef>
#include <cstdint>

#include "descriptor.h"

namespace telegen {

class RingMemory {
 public:
  // Keeps a descriptor of its own. Throws a Failure.
  explicit RingMemory(int map);
  ~RingMemory();
  RingMemory(const RingMemory &) = delete;
  RingMemory &operator=(const RingMemory &) = delete;

  // Copies committed records to `target`, in one piece, and frees them. Returns the bytes copied. Throws a Failure
  // where the next record is larger than all of the target, or the ring's positions make no sense.
  size_t Drain(uint8_t *target, size_t room);
  size_t Pending() const;
  size_t size() const { return size_; }
  int descriptor() const { return map_.get(); }

 private:
  const Descriptor map_;
  size_t page_;
  size_t size_;
  // The kernel maps the data twice, one behind the other, so that what wraps around is in one piece.
  uint8_t *consumer_page_ = nullptr;
  const uint8_t *producer_pages_ = nullptr;
};

}  // namespace telegen
