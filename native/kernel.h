#pragma once
#include <cstdint>
#include <string>

namespace telegen {

struct ProgramCounts {
  uint32_t id;
  std::string name;
  std::string type;
  uint64_t run_time;
  uint64_t runs;
};

// By the program's descriptor; throws a Failure.
ProgramCounts CountsOf(int program);

}  // namespace telegen
