// Checks what JavaScript passes: a wrong type or a number out of bounds throws a TypeError, and never reaches the
// kernel.
#pragma once
#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

namespace telegen {

// Bytes that belong to JavaScript: valid until control returns to it.
struct Bytes {
  uint8_t *data;
  size_t length;
};

Bytes BytesFrom(Napi::Value value, const char *what);
// Of exactly this length.
Bytes BytesFrom(Napi::Value value, const char *what, size_t length);
std::vector<uint8_t> CopyOf(Bytes bytes);

// At most `kTextBytesMax` bytes, none of them zero.
constexpr size_t kTextBytesMax = 4096;
std::string TextFrom(Napi::Value value, const char *what);
// An integer within the bounds, both included.
int64_t IntegerFrom(Napi::Value value, const char *what, int64_t least, int64_t most);
int DescriptorFrom(Napi::Value value, const char *what = "descriptor");
bool BooleanFrom(Napi::Value value, const char *what);
Napi::Object ObjectFrom(Napi::Value value, const char *what);
Napi::Function FunctionFrom(Napi::Value value, const char *what);
// The own enumerable names of a record; none where it is undefined.
std::vector<std::string> NamesOf(Napi::Value record, const char *what);
Napi::Array ArrayFrom(Napi::Value value, const char *what, uint32_t length_max);

}  // namespace telegen
