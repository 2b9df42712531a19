/** An ELF file of 64 bits with one segment, some functions, and a build id: what a test needs of one, made without a compiler. */
export interface SmallElf {
  readonly functions: readonly { readonly name: string; readonly code: Uint8Array; readonly type?: number }[]
  readonly buildId?: Uint8Array
  readonly machine?: number
}

/** Where the segment is loaded: addresses are that much above offsets. */
export const LOADED_AT = 0x40_0000

const HEADER = 64
const SEGMENT = 56
const SECTION = 64
const SYMBOL = 24
const X86_64 = 62
const FUNCTION = 2
const GLOBAL = 1

export interface MadeElf {
  readonly bytes: Buffer
  /** Offsets of the functions in the file, in their order. */
  readonly offsets: readonly number[]
}

export function smallElf({ functions, buildId = Buffer.alloc(0), machine = X86_64 }: SmallElf): MadeElf {
  const parts: Buffer[] = [Buffer.alloc(HEADER + 2 * SEGMENT)]
  let at = HEADER + 2 * SEGMENT
  const add = (part: Uint8Array): number => {
    const begin = at
    parts.push(Buffer.from(part))
    at += part.length
    return begin
  }
  const offsets = functions.map(({ code }) => add(code))
  const note = noteOf(buildId)
  const noteAt = add(note)
  const names = Buffer.from(`\0${functions.map(({ name }) => `${name}\0`).join('')}`)
  const namesAt = add(names)
  const symbols = Buffer.concat([
    Buffer.alloc(SYMBOL),
    ...functions.map((each, index) => symbolOf(each, offsets, index, functions)),
  ])
  const symbolsAt = add(symbols)
  const sections = Buffer.concat([
    Buffer.alloc(SECTION),
    section({ type: 2, offset: symbolsAt, size: symbols.length, link: 2, entry: SYMBOL }),
    section({ type: 3, offset: namesAt, size: names.length, link: 0, entry: 0 }),
  ])
  const sectionsAt = add(sections)
  const bytes = Buffer.concat(parts)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  bytes.writeUInt16LE(3, 16)
  bytes.writeUInt16LE(machine, 18)
  bytes.writeUInt32LE(1, 20)
  bytes.writeBigUInt64LE(BigInt(HEADER), 32)
  bytes.writeBigUInt64LE(BigInt(sectionsAt), 40)
  bytes.writeUInt16LE(HEADER, 52)
  bytes.writeUInt16LE(SEGMENT, 54)
  bytes.writeUInt16LE(2, 56)
  bytes.writeUInt16LE(SECTION, 58)
  bytes.writeUInt16LE(3, 60)
  segment(bytes, HEADER, { type: 1, offset: 0, size: bytes.length })
  segment(bytes, HEADER + SEGMENT, { type: 4, offset: noteAt, size: note.length })
  return { bytes, offsets }
}

function symbolOf(
  { code, type = FUNCTION }: SmallElf['functions'][number],
  offsets: readonly number[],
  index: number,
  functions: SmallElf['functions'],
): Buffer {
  const symbol = Buffer.alloc(SYMBOL)
  const before = functions.slice(0, index).reduce((sum, { name }) => sum + Buffer.byteLength(name) + 1, 0)
  symbol.writeUInt32LE(1 + before, 0)
  symbol.writeUInt8((GLOBAL << 4) | type, 4)
  symbol.writeUInt16LE(1, 6)
  symbol.writeBigUInt64LE(BigInt(LOADED_AT + offsets[index]!), 8)
  symbol.writeBigUInt64LE(BigInt(code.length), 16)
  return symbol
}

function noteOf(buildId: Uint8Array): Buffer {
  const head = Buffer.alloc(16)
  head.writeUInt32LE(4, 0)
  head.writeUInt32LE(buildId.length, 4)
  head.writeUInt32LE(3, 8)
  head.write('GNU\0', 12)
  return Buffer.concat([head, buildId])
}

function section(about: { type: number; offset: number; size: number; link: number; entry: number }): Buffer {
  const header = Buffer.alloc(SECTION)
  header.writeUInt32LE(about.type, 4)
  header.writeBigUInt64LE(BigInt(about.offset), 24)
  header.writeBigUInt64LE(BigInt(about.size), 32)
  header.writeUInt32LE(about.link, 40)
  header.writeBigUInt64LE(BigInt(about.entry), 56)
  return header
}

function segment(bytes: Buffer, at: number, about: { type: number; offset: number; size: number }): void {
  bytes.writeUInt32LE(about.type, at)
  bytes.writeBigUInt64LE(BigInt(about.offset), at + 8)
  bytes.writeBigUInt64LE(BigInt(LOADED_AT + about.offset), at + 16)
  bytes.writeBigUInt64LE(BigInt(about.size), at + 32)
  bytes.writeBigUInt64LE(BigInt(about.size), at + 40)
  bytes.writeBigUInt64LE(4n, at + 48)
}
