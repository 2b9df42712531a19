// Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, chapter 2 and appendix A. The length alone:
// what an operand means is left aside, and whether a processor has the instruction. Not understood, and said so: XOP,
// APX (REX2, extended EVEX), SSE4a's EXTRQ and INSERTQ with immediates, VIA's own, and near jumps with an operand-size
// prefix, which Intel's and AMD's processors read differently.
#include "instruction.h"

namespace telegen {
namespace {

constexpr size_t kLengthMax = 15;

enum Form : uint8_t {
  kBad = 0,
  kPlain = 1,
  kModrm = 2,
  kByte = 4,      // an immediate of one byte
  kWord = 8,      // of two
  kOperand = 16,  // of the operand's size, four at most
  kFull = 32,     // of the operand's size, eight with REX.W
  kOffset = 64,   // an address of the address size
  kNear = 128,    // a distance of four
};

// The forms of one row of sixteen opcodes, as the manual's tables have them.
constexpr uint8_t _ = kBad, P = kPlain, M = kModrm, B = kByte, W = kWord, Z = kOperand, V = kFull, O = kOffset,
                  J = kNear;
constexpr uint8_t MB = kModrm | kByte, MZ = kModrm | kOperand, WB = kWord | kByte;

// clang-format off
constexpr uint8_t kOneByte[256] = {
    M, M, M, M, B, Z, _, _, M, M, M, M, B, Z, _, _,      // 00
    M, M, M, M, B, Z, _, _, M, M, M, M, B, Z, _, _,      // 10
    M, M, M, M, B, Z, _, _, M, M, M, M, B, Z, _, _,      // 20
    M, M, M, M, B, Z, _, _, M, M, M, M, B, Z, _, _,      // 30
    _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _,      // 40: REX
    P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P,      // 50
    _, _, _, M, _, _, _, _, Z, MZ, B, MB, P, P, P, P,    // 60
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,      // 70
    MB, MZ, _, MB, M, M, M, M, M, M, M, M, M, M, M, M,   // 80
    P, P, P, P, P, P, P, P, P, P, _, P, P, P, P, P,      // 90
    O, O, O, O, P, P, P, P, B, Z, P, P, P, P, P, P,      // a0
    B, B, B, B, B, B, B, B, V, V, V, V, V, V, V, V,      // b0
    MB, MB, W, P, _, _, MB, MZ, WB, P, W, P, P, B, _, P, // c0
    M, M, M, M, _, _, _, P, M, M, M, M, M, M, M, M,      // d0
    B, B, B, B, B, B, B, B, J, J, _, B, P, P, P, P,      // e0
    _, P, _, _, P, P, M, M, P, P, P, P, P, P, M, M,      // f0
};

constexpr uint8_t kTwoByte[256] = {
    M, M, M, M, _, P, P, P, P, P, _, P, _, M, P, MB,      // 00
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,       // 10
    M, M, M, M, _, _, _, _, M, M, M, M, M, M, M, M,       // 20
    P, P, P, P, P, P, _, P, _, _, _, _, _, _, _, _,       // 30
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,       // 40
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,       // 50
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,       // 60
    MB, MB, MB, MB, M, M, M, P, M, M, _, _, M, M, M, M,   // 70
    J, J, J, J, J, J, J, J, J, J, J, J, J, J, J, J,       // 80
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,       // 90
    P, P, P, M, MB, M, _, _, P, P, P, M, MB, M, M, M,     // a0
    M, M, M, M, M, M, M, M, M, M, MB, M, M, M, M, M,      // b0
    M, M, MB, M, MB, MB, MB, M, P, P, P, P, P, P, P, P,   // c0
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,       // d0
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,       // e0
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,       // f0
};

// clang-format on

struct Prefixes {
  bool operand = false;  // 66
  bool address = false;  // 67
  bool repeats = false;  // f2, f3
  bool repeats_not_equal = false;
  bool lock = false;
  uint8_t rex = 0;
  bool wide() const { return rex & 8; }
};

class Reader {
 public:
  Reader(const uint8_t *code, size_t length) : code_(code), length_(length < kLengthMax ? length : kLengthMax) {}

  Instruction Read() {
    Prefixes prefixes;
    uint8_t opcode = 0;
    for (;;) {
      if (!Next(&opcode)) return {0, false};
      if (!TakePrefix(opcode, &prefixes)) break;
    }
    // Far returns are left aside: no program of today has them, but data between functions may look like them.
    const bool returns = opcode == 0xc2 || opcode == 0xc3;
    if (!Rest(opcode, prefixes)) return {0, false};
    return {at_, returns};
  }

 private:
  static bool TakePrefix(uint8_t byte, Prefixes *prefixes) {
    if (byte >= 0x40 && byte <= 0x4f) {
      prefixes->rex = byte;
      return true;
    }
    const uint8_t rex = prefixes->rex;
    // Only directly before the opcode it counts.
    prefixes->rex = 0;
    switch (byte) {
      case 0x66:
        prefixes->operand = true;
        return true;
      case 0x67:
        prefixes->address = true;
        return true;
      case 0xf2:
        prefixes->repeats_not_equal = true;
        prefixes->repeats = true;
        return true;
      case 0xf3:
        prefixes->repeats = true;
        return true;
      case 0xf0:
        prefixes->lock = true;
        return true;
      case 0x26:
      case 0x2e:
      case 0x36:
      case 0x3e:
      case 0x64:
      case 0x65:
        return true;
      default:
        prefixes->rex = rex;
        return false;
    }
  }

  bool Rest(uint8_t opcode, const Prefixes &prefixes) {
    switch (opcode) {
      case 0x0f:
        return TwoByte(prefixes);
      case 0xc4:
      case 0xc5:
      case 0x62:
        return Vector(opcode, prefixes);
      case 0x8f:  // XOP where it is not POP
        if (at_ >= length_ || (code_[at_] >> 3 & 7) != 0) return false;
        return Operands(kModrm, prefixes);
      case 0xf6:
      case 0xf7: {
        if (at_ >= length_) return false;
        const bool test = (code_[at_] >> 3 & 7) < 2;
        return Operands(!test ? M : opcode == 0xf6 ? MB : MZ, prefixes);
      }
      default:
        return Operands(kOneByte[opcode], prefixes);
    }
  }

  bool TwoByte(const Prefixes &prefixes) {
    uint8_t opcode = 0;
    if (!Next(&opcode)) return false;
    if (opcode == 0x38 || opcode == 0x3a) {
      const bool immediate = opcode == 0x3a;
      return Next(&opcode) && Operands(immediate ? MB : M, prefixes);
    }
    // To and from control and debug registers: never memory, whatever the mode says.
    if (opcode >= 0x20 && opcode <= 0x23) return Skip(1);
    if (opcode == 0x78 && (prefixes.operand || prefixes.repeats_not_equal)) return false;
    return Operands(kTwoByte[opcode], prefixes);
  }

  // VEX in two and three bytes, and EVEX.
  bool Vector(uint8_t kind, const Prefixes &prefixes) {
    if (prefixes.operand || prefixes.repeats || prefixes.lock || prefixes.rex != 0) return false;
    uint8_t first = 0, second = 0, opcode = 0;
    if (!Next(&first)) return false;
    int map = 1;
    if (kind == 0xc4) {
      map = first & 0x1f;
      if (!Skip(1)) return false;
    }
    if (kind == 0x62) {
      map = first & 0x07;
      // One of these bits is fixed where it is not APX.
      if ((first & 0x08) != 0 || !Next(&second) || (second & 0x04) == 0 || !Skip(1)) return false;
    }
    if (!Next(&opcode)) return false;
    switch (map) {
      case 1: {
        if (kind != 0x62 && opcode == 0x77) return true;
        const bool immediate =
            (opcode >= 0x70 && opcode <= 0x73) || opcode == 0xc2 || (opcode >= 0xc4 && opcode <= 0xc6);
        return Operands(immediate ? MB : M, prefixes);
      }
      case 2:
        return Operands(M, prefixes);
      case 3:
        return Operands(MB, prefixes);
      case 5:
      case 6:
        return kind == 0x62 && Operands(M, prefixes);
      default:
        return false;
    }
  }

  bool Operands(uint8_t form, const Prefixes &prefixes) {
    if (form == kBad) return false;
    if (form & kModrm && !Modrm()) return false;
    size_t bytes = 0;
    if (form & kByte) bytes += 1;
    if (form & kWord) bytes += 2;
    if (form & kOperand) bytes += prefixes.operand && !prefixes.wide() ? 2 : 4;
    if (form & kFull) bytes += prefixes.wide() ? 8 : prefixes.operand ? 2 : 4;
    if (form & kOffset) bytes += prefixes.address ? 4 : 8;
    if (form & kNear) {
      if (prefixes.operand && !prefixes.wide()) return false;
      bytes += 4;
    }
    return Skip(bytes);
  }

  bool Modrm() {
    uint8_t modrm = 0, sib = 0;
    if (!Next(&modrm)) return false;
    const int mode = modrm >> 6, register_or_memory = modrm & 7;
    if (mode == 3) return true;
    int base = register_or_memory;
    if (register_or_memory == 4) {
      if (!Next(&sib)) return false;
      base = sib & 7;
    }
    if (mode == 1) return Skip(1);
    return Skip(mode == 2 || base == 5 ? 4 : 0);
  }

  bool Next(uint8_t *byte) {
    if (at_ >= length_) return false;
    *byte = code_[at_++];
    return true;
  }

  bool Skip(size_t bytes) {
    if (bytes > length_ - at_) return false;
    at_ += bytes;
    return true;
  }

  const uint8_t *code_;
  size_t length_;
  size_t at_ = 0;
};

}  // namespace

Instruction InstructionAt(const uint8_t *code, size_t length) { return Reader(code, length).Read(); }

}  // namespace telegen
