#include "arguments.h"

#include <cmath>
#include <limits>

namespace telegen {
namespace {

constexpr uint32_t kNamesMax = 1024;

[[noreturn]] void Refuse(Napi::Value value, const char *what, const std::string &expected) {
  throw Napi::TypeError::New(value.Env(), std::string(what) + " must be " + expected);
}

}  // namespace

Bytes BytesFrom(Napi::Value value, const char *what) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    Refuse(value, what, "a Uint8Array");
  }
  Napi::Uint8Array array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ByteLength()};
}

Bytes BytesFrom(Napi::Value value, const char *what, size_t length) {
  const Bytes bytes = BytesFrom(value, what);
  if (bytes.length != length) {
    Refuse(value, what, std::to_string(length) + " bytes long, and has " + std::to_string(bytes.length));
  }
  return bytes;
}

std::vector<uint8_t> CopyOf(Bytes bytes) { return std::vector<uint8_t>(bytes.data, bytes.data + bytes.length); }

std::string TextFrom(Napi::Value value, const char *what) {
  if (!value.IsString()) Refuse(value, what, "a string");
  std::string text = value.As<Napi::String>().Utf8Value();
  if (text.empty() || text.size() > kTextBytesMax || text.find('\0') != std::string::npos) {
    Refuse(value, what, "a string of 1 to " + std::to_string(kTextBytesMax) + " bytes without a zero");
  }
  return text;
}

int64_t IntegerFrom(Napi::Value value, const char *what, int64_t least, int64_t most) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  // Written so that NaN is refused too.
  const bool within = number >= static_cast<double>(least) && number <= static_cast<double>(most);
  if (!within || number != std::floor(number)) {
    Refuse(value, what, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return static_cast<int64_t>(number);
}

int DescriptorFrom(Napi::Value value, const char *what) {
  return static_cast<int>(IntegerFrom(value, what, 0, std::numeric_limits<int>::max()));
}

bool BooleanFrom(Napi::Value value, const char *what) {
  if (!value.IsBoolean()) Refuse(value, what, "a boolean");
  return value.As<Napi::Boolean>().Value();
}

Napi::Object ObjectFrom(Napi::Value value, const char *what) {
  if (!value.IsObject() || value.IsArray() || value.IsFunction()) Refuse(value, what, "an object");
  return value.As<Napi::Object>();
}

Napi::Function FunctionFrom(Napi::Value value, const char *what) {
  if (!value.IsFunction()) Refuse(value, what, "a function");
  return value.As<Napi::Function>();
}

std::vector<std::string> NamesOf(Napi::Value record, const char *what) {
  std::vector<std::string> names;
  if (record.IsUndefined()) return names;
  const Napi::Array keys = ObjectFrom(record, what).GetPropertyNames();
  if (keys.Length() > kNamesMax) Refuse(record, what, "of at most " + std::to_string(kNamesMax) + " names");
  for (uint32_t index = 0; index < keys.Length(); index++) {
    names.push_back(TextFrom(Napi::Value(keys.Get(index)).ToString(), what));
  }
  return names;
}

Napi::Array ArrayFrom(Napi::Value value, const char *what, uint32_t length_max) {
  if (!value.IsArray()) Refuse(value, what, "an array");
  Napi::Array array = value.As<Napi::Array>();
  if (array.Length() > length_max) Refuse(value, what, "of at most " + std::to_string(length_max) + " elements");
  return array;
}

}  // namespace telegen
