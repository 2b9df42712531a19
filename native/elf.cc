// What is asked of ELF files from JavaScript: where functions are, where they return, what they are called.
#include "elf-file.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "addon.h"
#include "arguments.h"
#include "failure.h"
#include "instruction.h"

namespace telegen {
namespace {

constexpr uint32_t kNamesMax = 10'000;
constexpr uint32_t kAddressesMax = 1'000'000;
constexpr uint64_t kFunctionBytesMax = 16 * 1024 * 1024;
constexpr size_t kBuildIdBytesMax = 64;
// What is kept of names at once.
constexpr size_t kKeptBytesMax = 256 * 1024 * 1024;
// How many functions that begin before an address are looked at: one may lie within another.
constexpr int kOverlapMax = 16;

Napi::Value SymbolOffsets(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const std::string path = TextFrom(info[0], "path");
  const Napi::Array asked = ArrayFrom(info[1], "names", kNamesMax);
  std::unordered_map<std::string, int64_t> offsets;
  for (uint32_t index = 0; index < asked.Length(); index++) offsets.emplace(TextFrom(asked.Get(index), "name"), -1);
  return Guarded(env, [&] {
    const ElfFile file(path);
    size_t missing = offsets.size();
    file.EachFunction([&](const ElfFunction &function) {
      if (missing == 0) return;
      const auto found = offsets.find(std::string(function.name));
      if (found == offsets.end() || found->second >= 0) return;
      const auto place = file.PlaceOf(function.address);
      if (!place) return;
      found->second = static_cast<int64_t>(place->offset);
      missing--;
    });
    Napi::Array answer = Napi::Array::New(env, asked.Length());
    for (uint32_t index = 0; index < asked.Length(); index++)
      answer.Set(index, Napi::Number::New(env, offsets[asked.Get(index).As<Napi::String>()]));
    return answer;
  });
}

Napi::Value ReturnOffsets(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const std::string path = TextFrom(info[0], "path");
  const std::string name = TextFrom(info[1], "name");
  return Guarded(env, [&] {
    const ElfFile file(path);
    if (file.machine() != EM_X86_64) throw Failure(ENOTSUP, "find returns", name, "only x86-64 is understood");
    std::optional<ElfFunction> found;
    file.EachFunction([&](const ElfFunction &function) {
      if (!found && function.name == name) found = ElfFunction{{}, function.address, function.size, function.global};
    });
    if (!found) throw Failure(ENOENT, "find returns", name, "no such function");
    if (found->size == 0) throw Failure(ENOTSUP, "find returns", name, "the symbol does not say how long it is");
    const auto place = file.PlaceOf(found->address);
    if (!place || place->length < found->size)
      throw Failure(ENOEXEC, "find returns", name, "not all of it is in the file");
    const std::vector<uint8_t> code = file.Read(place->offset, found->size, kFunctionBytesMax, "function");
    Napi::Array returns = Napi::Array::New(env);
    for (size_t at = 0; at < code.size();) {
      const Instruction instruction = InstructionAt(code.data() + at, code.size() - at);
      // Past what cannot be read nothing is certain, and a probe inside of an instruction breaks the program.
      if (instruction.length == 0) {
        throw Failure(ENOTSUP, "find returns", name,
                      "the instruction " + std::to_string(at) + " bytes into it is not understood");
      }
      if (instruction.returns) returns.Set(returns.Length(), Napi::Number::New(env, place->offset + at));
      at += instruction.length;
    }
    return returns;
  });
}

Napi::Value BuildId(const Napi::CallbackInfo &info) {
  const std::string path = TextFrom(info[0], "path");
  return Guarded(info.Env(), [&] {
    std::string hexadecimal;
    const std::vector<uint8_t> id = ElfFile(path).Note(NT_GNU_BUILD_ID, "GNU");
    if (id.size() > kBuildIdBytesMax) return Napi::String::New(info.Env(), hexadecimal);
    for (const uint8_t byte : id) {
      hexadecimal += "0123456789abcdef"[byte >> 4];
      hexadecimal += "0123456789abcdef"[byte & 15];
    }
    return Napi::String::New(info.Env(), hexadecimal);
  });
}

struct Named {
  uint64_t address;
  uint64_t size;
  bool global;
  std::string name;
};

// Of several at one place the one that others see, then the first by name: the same answer whatever the order in the
// file.
bool Before(const Named &left, const Named &right) {
  if (left.address != right.address) return left.address < right.address;
  if (left.global != right.global) return !left.global;
  return left.name > right.name;
}

const Named *Covering(const std::vector<Named> &functions, uint64_t address) {
  auto next = std::upper_bound(functions.begin(), functions.end(), address,
                               [](uint64_t asked, const Named &each) { return asked < each.address; });
  for (int turn = 0; turn < kOverlapMax && next != functions.begin(); turn++) {
    --next;
    if (address - next->address < next->size) return &*next;
  }
  return nullptr;
}

Napi::Value SymbolsAt(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const std::string path = TextFrom(info[0], "path");
  if (!info[1].IsTypedArray() || info[1].As<Napi::TypedArray>().TypedArrayType() != napi_biguint64_array)
    throw Napi::TypeError::New(env, "addresses must be a BigUint64Array");
  const auto array = info[1].As<Napi::BigUint64Array>();
  if (array.ElementLength() > kAddressesMax)
    throw Napi::TypeError::New(env, "addresses must be of at most " + std::to_string(kAddressesMax) + " elements");
  const std::vector<uint64_t> addresses(array.Data(), array.Data() + array.ElementLength());
  return Guarded(env, [&] {
    const ElfFile file(path);
    // Only what is asked for is kept: a large program has hundreds of thousands.
    std::vector<uint64_t> sorted = addresses;
    std::sort(sorted.begin(), sorted.end());
    std::vector<Named> functions;
    size_t kept = 0;
    file.EachFunction([&](const ElfFunction &each) {
      const auto asked = std::lower_bound(sorted.begin(), sorted.end(), each.address);
      if (asked == sorted.end() || *asked - each.address >= each.size) return;
      kept += sizeof(Named) + each.name.size();
      if (kept > kKeptBytesMax) throw Failure(E2BIG, "name addresses", path, "too many functions overlap");
      functions.push_back({each.address, each.size, each.global, std::string(each.name)});
    });
    std::sort(functions.begin(), functions.end(), Before);
    Napi::Array names = Napi::Array::New(env, addresses.size());
    for (uint32_t index = 0; index < addresses.size(); index++) {
      const Named *found = Covering(functions, addresses[index]);
      names.Set(index, found ? found->name : std::string());
    }
    return names;
  });
}

}  // namespace

void InitElf(Napi::Env env, Napi::Object exports) {
  Napi::Object elf = Napi::Object::New(env);
  elf.Set("symbolOffsets", Napi::Function::New(env, SymbolOffsets, "symbolOffsets"));
  elf.Set("returnOffsets", Napi::Function::New(env, ReturnOffsets, "returnOffsets"));
  elf.Set("buildId", Napi::Function::New(env, BuildId, "buildId"));
  elf.Set("symbolsAt", Napi::Function::New(env, SymbolsAt, "symbolsAt"));
  exports.Set("elf", elf);
}

}  // namespace telegen
