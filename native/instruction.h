// How long an instruction of x86-64 is, in 64-bit mode.
#pragma once
#include <cstddef>
#include <cstdint>

namespace telegen {

struct Instruction {
  // 0 where it is not understood, or cut off.
  size_t length;
  // It returns from a function (RET, with or without taking arguments off the stack).
  bool returns;
};

Instruction InstructionAt(const uint8_t *code, size_t length);

}  // namespace telegen
