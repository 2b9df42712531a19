import { DEEPEST } from '../kernels/validate.ts'
import { Malformed } from '../wire/malformed.ts'
import { WIRE_TYPES } from '../wire/schema.ts'
import * as wire from '../wire/varint.ts'
import { CLOSE_BRACE, CLOSE_BRACKET, COMMA, FALSE, OPEN_BRACE, OPEN_BRACKET, TRUE } from './ascii.ts'
import { areInOrder, inOrder, isInOrder, isMerged } from './in-order.ts'
import type { JsonOutput } from './json-output.ts'
import * as table from './table.ts'
import type { JsonField, JsonMessage } from './table.ts'

/** Writes `segments`, which are one message together, as a JSON object. Throws `Malformed` on bytes that are no such message. */
export function writeJson(output: JsonOutput, message: JsonMessage, segments: readonly Buffer[]): void {
  writeSegments(output, message, segments, 1)
}

function writeMessage(
  output: JsonOutput,
  message: JsonMessage,
  buffer: Buffer,
  start: number,
  end: number,
  depth: number,
): void {
  if (!isInOrder(message, buffer, start, end))
    return writeSegments(output, message, [buffer.subarray(start, end)], depth)
  refuseTooDeep(depth, start)
  output.mark(OPEN_BRACE)
  endList(output, writeFields(output, message, buffer, start, end, depth, undefined))
  output.end(CLOSE_BRACE)
}

/** In whatever order they are, without a copy of them: levels of messages would each hold one. */
function writeSegments(output: JsonOutput, message: JsonMessage, segments: readonly Buffer[], depth: number): void {
  refuseTooDeep(depth, 0)
  output.mark(OPEN_BRACE)
  if (areInOrder(message, segments)) writeAll(output, message, segments, depth)
  else {
    for (const [field, pieces] of inOrder(message, segments)) {
      if (!isMerged(field)) writeAll(output, message, pieces, depth)
      else {
        output.raw(field.head)
        writeSegments(output, field.message!, pieces, depth + 1)
        output.mark(COMMA)
      }
    }
  }
  output.end(CLOSE_BRACE)
}

function writeAll(output: JsonOutput, message: JsonMessage, segments: readonly Buffer[], depth: number): void {
  let open: JsonField | undefined
  for (const segment of segments) open = writeFields(output, message, segment, 0, segment.length, depth, open)
  endList(output, open)
}

function refuseTooDeep(depth: number, at: number): void {
  if (depth > DEEPEST) throw new Malformed(`messages nested more than ${DEEPEST} deep`, at)
}

/** Entries in order. Goes on with the list `open`, and returns the one that may go on behind them. */
function writeFields(
  output: JsonOutput,
  message: JsonMessage,
  buffer: Buffer,
  start: number,
  end: number,
  depth: number,
  open: JsonField | undefined,
): JsonField | undefined {
  for (let at = start; at < end;) {
    let tag = buffer[at]!
    let value = at + 1
    if (tag >= 0x80 || tag < 8) {
      tag = wire.readTag(buffer, at, end)
      value = wire.cursor.at
    }
    if ((tag & 7) === wire.LENGTH) {
      const length = wire.readLength(buffer, value, end)
      value = wire.cursor.at
      at = value + length
    } else at = wire.skip(buffer, value, end, tag)
    const field = message.byNumber[tag >>> 3]
    if (field === undefined) continue
    if (open !== undefined && open !== field) {
      endList(output, open)
      open = undefined
    }
    if (field.repeated) {
      if (open === undefined) {
        output.raw(field.head)
        output.mark(OPEN_BRACKET)
        open = field
      }
      writeElements(output, field, buffer, value, at, tag & 7, depth)
    } else if (field.kind === table.MESSAGE) {
      if ((tag & 7) !== wire.LENGTH) throw otherWireType(value)
      output.raw(field.head)
      writeMessage(output, field.message!, buffer, value, at, depth + 1)
      output.mark(COMMA)
    } else {
      if ((tag & 7) !== (field.tag & 7)) throw otherWireType(value)
      if (!field.presence && isDefault(field, buffer, value, at)) continue
      output.raw(field.head)
      writeScalar(output, field.kind, buffer, value, at)
      output.mark(COMMA)
    }
  }
  return open
}

function endList(output: JsonOutput, open: JsonField | undefined): void {
  if (open === undefined) return
  output.end(CLOSE_BRACKET)
  output.mark(COMMA)
}

/** What one entry of a repeated field holds: one element, or numbers that stand together. */
function writeElements(
  output: JsonOutput,
  field: JsonField,
  buffer: Buffer,
  start: number,
  end: number,
  wireType: number,
  depth: number,
): void {
  const { kind } = field
  if (kind === table.MESSAGE || kind === table.STRING || kind === table.BYTES) {
    if (wireType !== wire.LENGTH) throw otherWireType(start)
    if (kind === table.MESSAGE) writeMessage(output, field.message!, buffer, start, end, depth + 1)
    else writeScalar(output, kind, buffer, start, end)
    output.mark(COMMA)
    return
  }
  if (wireType !== wire.LENGTH && wireType !== WIRE_TYPES[field.field.scalar!]) throw otherWireType(start)
  for (let at = start; at < end; at = wire.cursor.at) {
    writeScalar(output, kind, buffer, at, end)
    output.mark(COMMA)
  }
}

/** Writes a value; of a number the place after it is left in `wire.cursor.at`. */
function writeScalar(output: JsonOutput, kind: number, buffer: Buffer, start: number, end: number): void {
  const { cursor } = wire
  switch (kind) {
    case table.STRING:
      return output.text(buffer, start, end)
    case table.IDENTIFIER:
      return output.hex(buffer, start, end)
    case table.BYTES:
      return output.base64(buffer, start, end)
    case table.BOOL:
      return output.raw(wire.readBool(buffer, start, end) ? TRUE : FALSE)
    case table.DOUBLE:
      return output.double(wire.readDouble(buffer, start, end))
    case table.ENUM:
    case table.INT32:
      return output.short(wire.readInt32(buffer, start, end))
    case table.UINT32:
      return output.short(wire.readInt32(buffer, start, end) >>> 0)
    case table.SINT32: {
      const encoded = wire.readInt32(buffer, start, end)
      return output.short((encoded >>> 1) ^ -(encoded & 1))
    }
    case table.FIXED32:
      return output.short(wire.readFixed32(buffer, start, end))
    case table.INT64:
    case table.UINT64:
      wire.readVarintPair(buffer, start, end)
      return output.long(cursor.low, cursor.high, kind === table.INT64)
    case table.FIXED64:
    case table.SFIXED64:
      wire.readFixed64Pair(buffer, start, end)
      return output.long(cursor.low, cursor.high, kind === table.SFIXED64)
    default:
      throw new TypeError(`no kind of field is ${kind}`)
  }
}

/** Whether the value of a field is what its absence means: nothing, 0 or false. -0 is another double than 0. */
function isDefault(field: JsonField, buffer: Buffer, start: number, end: number): boolean {
  switch (field.tag & 7) {
    case wire.LENGTH:
      return start === end
    case wire.VARINT:
      wire.readVarintPair(buffer, start, end)
      // Numbers of 32 bits are the lower half of what was written.
      return wire.cursor.low === 0 && (wire.cursor.high === 0 || IS_SHORT.has(field.kind))
    default:
      for (let at = start; at < end; at++) if (buffer[at] !== 0) return false
      return true
  }
}

const IS_SHORT = new Set([table.ENUM, table.INT32, table.UINT32, table.SINT32])

function otherWireType(at: number): Malformed {
  return new Malformed('a known field with another wire type', at)
}
