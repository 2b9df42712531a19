import type { WireWriter } from '../wire/wire-writer.ts'

/** A trace or profile id (16 bytes) or span id (8 bytes): hexadecimal, the bytes, or their words of 32 bits, signed or not, the highest first. */
export type Identifier = string | Uint8Array | readonly number[]

export function writeTraceId(writer: WireWriter, field: number, id: Identifier | undefined): void {
  writeIdentifier(writer, field, id, 16, 'trace')
}

export function writeSpanId(writer: WireWriter, field: number, id: Identifier | undefined): void {
  writeIdentifier(writer, field, id, 8, 'span')
}

export function writeProfileId(writer: WireWriter, field: number, id: Identifier | undefined): void {
  writeIdentifier(writer, field, id, 16, 'profile')
}

/**
 * Writes nothing for an absent or empty id. Throws before a byte is written where it is no id, since a backend would
 * refuse the whole request.
 */
function writeIdentifier(
  writer: WireWriter,
  field: number,
  id: Identifier | undefined,
  bytes: number,
  kind: string,
): void {
  if (id === undefined || id.length === 0) return
  if (Array.isArray(id)) {
    if (id.length * 4 !== bytes) throw new RangeError(`a ${kind} id has ${bytes / 4} words, got ${id.length}`)
    return writer.words(field, id as readonly number[])
  }
  if (typeof id !== 'string') {
    if (id.length !== bytes) throw new RangeError(`a ${kind} id has ${bytes} bytes, got ${id.length}`)
    return writer.bytes(field, id as Uint8Array)
  }
  if (id.length !== bytes * 2 || !writer.hex(field, id))
    throw new RangeError(`a ${kind} id has ${bytes * 2} hexadecimal digits, got "${id}"`)
}
