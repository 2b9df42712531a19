/**
 * The Huffman code of RFC 7541, Appendix B. It is canonical: shorter codes come first, those of one length ascend with their symbols. So the lengths say all.
 */
const SYMBOLS: readonly (readonly [bits: number, symbols: string])[] = [
  [5, '30 31 32 61 63 65 69 6f 73 74'],
  [6, '20 25 2d 2e 2f 33 34 35 36 37 38 39 3d 41 5f 62 64 66 67 68 6c 6d 6e 70 72 75'],
  [7, '3a 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50 51 52 53 54 55 56 57 59 6a 6b 71 76 77 78 79 7a'],
  [8, '26 2a 2c 3b 58 5a'],
  [10, '21 22 28 29 3f'],
  [11, '27 2b 7c'],
  [12, '23 3e'],
  [13, '00 24 40 5b 5d 7e'],
  [14, '5e 7d'],
  [15, '3c 60 7b'],
  [19, '5c c3 d0'],
  [20, '80 82 83 a2 b8 c2 e0 e2'],
  [21, '99 a1 a7 ac b0 b1 b3 d1 d8 d9 e3 e5 e6'],
  [22, '81 84 85 86 88 92 9a 9c a0 a3 a4 a9 aa ad b2 b5 b9 ba bb bd be c4 c6 e4 e8 e9'],
  [23, '01 87 89 8a 8b 8c 8d 8f 93 95 96 97 98 9b 9d 9e a5 a6 a8 ae af b4 b6 b7 bc bf c5 e7 ef'],
  [24, '09 8e 90 91 94 9f ab ce d7 e1 ec ed'],
  [25, 'c7 cf ea eb'],
  [26, 'c0 c1 c8 c9 ca cd d2 d5 da db ee f0 f2 f3 ff'],
  [27, 'cb cc d3 d4 d6 dd de df f1 f4 f5 f6 f7 f8 fa fb fc fd fe'],
  [28, '02 03 04 05 06 07 08 0b 0c 0e 0f 10 11 12 13 14 15 17 18 19 1a 1b 1c 1d 1e 1f 7f dc f9'],
  [30, '0a 0d 16 100'],
]

/** The end of a string, which no string may hold. */
const END_OF_STRING = 256

const CODES = new Uint32Array(257)
const LENGTHS = new Uint8Array(257)
let next = 0
let width = 0
for (const [bits, symbols] of SYMBOLS) {
  next <<= bits - width
  width = bits
  for (const symbol of symbols.split(' ')) {
    CODES[parseInt(symbol, 16)] = next++
    LENGTHS[parseInt(symbol, 16)] = bits
  }
}

/** Octets that `text` takes when it is encoded. */
export function huffmanLength(text: string): number {
  let bits = 0
  for (let at = 0; at < text.length; at++) bits += LENGTHS[text.charCodeAt(at)]!
  return (bits + 7) >> 3
}

/** Writes `text`, of one octet a character, and returns where it ends: `huffmanLength` octets on. */
export function writeHuffman(text: string, target: Buffer, at: number): number {
  let pending = 0
  let count = 0
  for (let index = 0; index < text.length; index++) {
    const symbol = text.charCodeAt(index)
    const code = CODES[symbol]!
    // At most 7 bits wait: the long codes go in two parts, as both together would not fit in 32.
    let bits = LENGTHS[symbol]!
    if (bits > 16) {
      bits -= 16
      pending = (pending << bits) | (code >>> 16)
      for (count += bits; count >= 8; count -= 8) target[at++] = pending >>> (count - 8)
      bits = 16
    }
    pending = (pending << bits) | (code & 0xffff)
    for (count += bits; count >= 8; count -= 8) target[at++] = pending >>> (count - 8)
  }
  // What is left of the last octet is the beginning of the end of the string: ones.
  if (count > 0) target[at++] = (pending << (8 - count)) | (0xff >>> count)
  return at
}

/*
 * The decoder walks the tree of codes four bits at a time. A state is an inner node; a step of it, at `state << 4 | bits`, is the next state,
 * the symbol that was completed on the way (no code has fewer than five bits: there is at most one), and whether there was one.
 */
const COMPLETES = 0x1_0000
const FAILS = 0x2_0000
const STEPS = new Int32Array(256 << 4)
/** Whether a string may end in a state: at the root, or less than an octet of ones after it. */
const MAY_END = new Uint8Array(256)

buildSteps()

function buildSteps(): void {
  /** Both children of each node; a symbol is its complement, which is negative. */
  const children: [number, number][] = [[0, 0]]
  for (let symbol = 0; symbol <= END_OF_STRING; symbol++) {
    let node = 0
    for (let bit = LENGTHS[symbol]! - 1; bit > 0; bit--) {
      const side = (CODES[symbol]! >>> bit) & 1
      if (children[node]![side] === 0) children[node]![side] = children.push([0, 0]) - 1
      node = children[node]![side]!
    }
    children[node]![CODES[symbol]! & 1] = ~symbol
  }
  for (let state = 0; state < children.length; state++)
    for (let bits = 0; bits < 16; bits++) STEPS[(state << 4) | bits] = stepOf(children, state, bits)
  for (let node = 0, ones = 0; ones < 8; ones++, node = children[node]![1]) MAY_END[node] = 1
}

function stepOf(children: readonly (readonly [number, number])[], state: number, bits: number): number {
  let node = state
  let completed = 0
  for (let bit = 3; bit >= 0; bit--) {
    const child = children[node]![(bits >>> bit) & 1]!
    if (~child === END_OF_STRING) return FAILS
    if (child < 0) completed = COMPLETES | (~child << 8)
    node = child < 0 ? 0 : child
  }
  return completed | node
}

export const MALFORMED = -1
export const NO_ROOM = -2

/** Decodes into the beginning of `target`. Returns how much that is, or `MALFORMED`, or `NO_ROOM`. */
export function readHuffman(source: Buffer, start: number, end: number, target: Buffer): number {
  const room = target.length
  let state = 0
  let length = 0
  for (let at = start; at < end; at++) {
    const octet = source[at]!
    const first = STEPS[(state << 4) | (octet >>> 4)]!
    // An octet completes two symbols at most.
    if (length + 2 > room) return NO_ROOM
    if (first >= COMPLETES) target[length++] = first >>> 8
    const second = STEPS[((first & 0xff) << 4) | (octet & 15)]!
    if ((first | second) >= FAILS) return MALFORMED
    if (second >= COMPLETES) target[length++] = second >>> 8
    state = second & 0xff
  }
  return MAY_END[state] === 1 ? length : MALFORMED
}
