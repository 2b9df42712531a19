import { Entry } from '../kernels/entry.ts'
import { Malformed } from '../wire/malformed.ts'
import { LENGTH, readLength, readTag, skip, cursor } from '../wire/varint.ts'
import * as table from './table.ts'
import type { JsonField, JsonMessage } from './table.ts'

/** Fields that may not be met again, by their bits, and the list that may go on. */
let closed = 0
let open: JsonField | undefined

/**
 * Whether the entries of a message come as JSON has its members: each field once, the elements of a list one after the other, of a
 * oneof one member. All encoders write so; protobuf allows any order, and fields that are written over.
 */
export function isInOrder(message: JsonMessage, buffer: Buffer, start: number, end: number): boolean {
  closed = 0
  open = undefined
  return goesOn(message, buffer, start, end)
}

/** The same of segments that are one message together. */
export function areInOrder(message: JsonMessage, segments: readonly Buffer[]): boolean {
  closed = 0
  open = undefined
  return segments.every((segment) => goesOn(message, segment, 0, segment.length))
}

function goesOn(message: JsonMessage, buffer: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end;) {
    let tag = buffer[at]!
    if (tag < 0x80 && tag > 7) at++
    else {
      tag = readTag(buffer, at, end)
      at = cursor.at
    }
    if ((tag & 7) === LENGTH) {
      const length = readLength(buffer, at, end)
      at = cursor.at + length
    } else at = skip(buffer, at, end, tag)
    const field = message.byNumber[tag >>> 3]
    if (field === undefined || field === open) continue
    if (open !== undefined) closed |= open.bit
    open = undefined
    if ((closed & field.bit) !== 0) return false
    if (field.repeated) open = field
    else closed |= field.chosen ? message.chosenBits : field.bit
  }
  return true
}

/**
 * What `segments`, one message together, say of each field: its entries, or of a message that is merged the contents of each. What
 * is written over is left out, and so are unknown fields.
 */
export function inOrder(message: JsonMessage, segments: readonly Buffer[]): ReadonlyMap<JsonField, readonly Buffer[]> {
  const found = new Map<JsonField, Buffer[]>()
  const entry = new Entry()
  for (const segment of segments) {
    for (let at = 0; at < segment.length;) {
      const start = at
      at = entry.read(segment, at, segment.length)
      const field = message.byNumber[entry.field]
      if (field === undefined) continue
      if (field.chosen) for (const other of found.keys()) if (other.chosen && other !== field) found.delete(other)
      const merges = isMerged(field)
      if (merges && entry.wireType !== LENGTH)
        throw new Malformed('a message has the wire type of a number', entry.start)
      const kept = found.get(field)
      const piece = segment.subarray(merges ? entry.start : start, at)
      if (kept === undefined || !(merges || field.repeated)) found.set(field, [piece])
      else kept.push(piece)
    }
  }
  return found
}

/** Whether what comes twice is one message together. */
export const isMerged = (field: JsonField): boolean => field.kind === table.MESSAGE && !field.repeated
