import { DEEPEST } from '../kernels/validate.ts'
import { Slab } from '../memory/slab.ts'
import { varintSize, writeVarint } from '../wire/write.ts'
import * as ascii from './ascii.ts'
import { NONE, writeBase64, writeHex } from './binary.ts'
import { MalformedJson } from './malformed-json.ts'
import { endOfNumber, integer, readDouble, readInteger, readQuotedDouble } from './numbers.ts'
import { pastValue } from './skip.ts'
import * as table from './table.ts'
import type { JsonField, JsonKey, JsonMessage } from './table.ts'
import { copyText, cursor, endOfText } from './text.ts'

/** Room for a tag and a number, or a tag and a length. */
const HEAD = 20
const IDENTIFIER_BYTES = { trace_id: 16, span_id: 8, profile_id: 16 }
const INT32_LEAST = 2 ** 31

/** The wire bytes of a request: the first `length` bytes of `slab`. */
export interface Wire {
  readonly slab: Slab
  readonly length: number
}

const NOTHING = Buffer.alloc(0)
const NO_SLAB = new Slab(NOTHING)

/**
 * Reads a request once from its first byte to its last and writes the wire as it goes. Nothing is made on the way, no
 * object, no string: names are compared and numbers read where they stand.
 *
 * What is written grows with what is read, by no more than a factor: a list of numbers takes two bytes an element at
 * least (`0,`), and the wire eight for each that is fixed, ten in three (`-1,`) as a varint; everything else is shorter on the wire, or
 * nearly so. So the wire is less than five times as long, and memory that doubles when it is full ends there.
 */
export class JsonReader {
  #json: Buffer = NOTHING
  #reserve: (bytes: number) => Slab = () => NO_SLAB
  #slab: Slab = NO_SLAB
  #out: Buffer = NOTHING
  #view: DataView = viewOf(NOTHING)
  /** Where what is read next begins. */
  #at = 0
  /** Where what is written next begins, and how far there is room. */
  #to = 0
  #room = 0
  /** The text of the number, identifier or name that is being read: in `#json`, or a copy of it where it had escapes. */
  #text: Buffer = NOTHING
  #start = 0
  #end = 0

  /**
   * Reads the whole of `json`, which is exactly the request; the slab of what is returned is the caller's. Throws
   * `MalformedJson` without a path, or what `reserve` throws.
   */
  read(message: JsonMessage, json: Buffer, reserve: (bytes: number) => Slab): Wire {
    this.#json = json
    this.#reserve = reserve
    this.#to = 0
    this.#into(reserve(Math.ceil(json.length / 2) + HEAD))
    let isWhole = false
    try {
      this.#at = ascii.pastSpace(json, 0)
      if (!this.#isNull()) this.#message(message, 1)
      this.#at = ascii.pastSpace(json, this.#at)
      if (this.#at < json.length) throw new MalformedJson('is followed by something else', this.#at)
      isWhole = true
      return { slab: this.#slab, length: this.#to }
    } finally {
      if (!isWhole) this.#slab.release()
      this.#json = this.#text = NOTHING
      this.#into(NO_SLAB)
    }
  }

  #message(message: JsonMessage, depth: number): void {
    const json = this.#json
    if (depth > DEEPEST) throw new MalformedJson(`is nested more than ${DEEPEST} messages deep`, this.#at)
    if (json[this.#at] !== ascii.OPEN_BRACE) throw new MalformedJson('is not an object', this.#at)
    let at = ascii.pastSpace(json, this.#at + 1)
    if (json[at] === ascii.CLOSE_BRACE) {
      this.#at = at + 1
      return
    }
    let before: JsonKey | undefined
    let met = 0
    let chosen = NONE
    let chosenEnd = 0
    for (;;) {
      if (json[at] !== ascii.QUOTE) throw new MalformedJson('has a member without a name in quotes', at)
      const expected = before === undefined ? message.first : before.next
      const key = this.#key(message, expected, at + 1)
      if (key !== undefined && key !== expected) {
        if (before === undefined) message.first = key
        else before.next = key
      }
      at = json[this.#at] === ascii.COLON ? this.#at : ascii.pastSpace(json, this.#at)
      if (json[at] !== ascii.COLON) throw new MalformedJson('has no colon after a name', at)
      this.#at = ascii.pastSpace(json, at + 1)
      if (key === undefined) this.#at = pastValue(json, this.#at)
      else {
        before = key
        const { field } = key
        const isNull = this.#isNull()
        // In a oneof the Collector reads null as an empty string, or as an empty message; elsewhere those mean the same as absence.
        if (!isNull || (field.chosen && field.kind <= table.STRING)) {
          if (field.chosen) {
            // Of a oneof the last member counts; an earlier one is taken out again.
            if (chosen !== NONE) this.#cut(chosen, chosenEnd)
            chosen = this.#to
          }
          if (isNull) this.#nothing(field)
          else this.#field(field, (met & field.bit) !== 0, depth)
          if (field.chosen) chosenEnd = this.#to
          met |= field.bit
        }
      }
      at = ascii.pastSpace(json, this.#at)
      if (json[at] === ascii.COMMA) at = ascii.pastSpace(json, at + 1)
      else if (json[at] === ascii.CLOSE_BRACE) {
        this.#at = at + 1
        return
      } else throw new MalformedJson('is followed by neither a comma nor an end', at)
    }
  }

  /** The key whose name begins at `at`, if there is one; `expected` is tried first. Goes past its closing quote. */
  #key(message: JsonMessage, expected: JsonKey | undefined, at: number): JsonKey | undefined {
    const json = this.#json
    if (expected !== undefined) {
      const name = expected.name
      const length = name.length
      let same = 0
      while (same < length && name[same] === json[at + same]) same++
      if (same === length) {
        this.#at = at + length
        return expected
      }
    }
    this.#quoted(at)
    return message.keys.find(this.#text, this.#start, this.#end)
  }

  /** `again`: whether the field has been written before, so that a default must be written over what it was. */
  #field(field: JsonField, again: boolean, depth: number): void {
    if (field.repeated) this.#list(field, depth)
    else if (field.kind === table.MESSAGE) this.#embedded(field, depth)
    else this.#scalar(field, field.presence || again)
  }

  #embedded(field: JsonField, depth: number): void {
    const room = field.lengthBytes
    const start = this.#head(field) + room
    this.#to = start
    this.#message(field.message!, depth + 1)
    field.lengthBytes = this.#close(start, room)
  }

  #list(field: JsonField, depth: number): void {
    const json = this.#json
    if (json[this.#at] !== ascii.OPEN_BRACKET) throw new MalformedJson('is not an array', this.#at)
    this.#at = ascii.pastSpace(json, this.#at + 1)
    if (json[this.#at] === ascii.CLOSE_BRACKET) {
      this.#at++
      return
    }
    if (field.kind === table.MESSAGE) this.#messages(field, depth)
    else if (field.kind === table.STRING) this.#strings(field)
    else this.#numbers(field)
  }

  /** The Collector reads a null in a list as an empty message, or as an empty string. */
  #messages(field: JsonField, depth: number): void {
    do {
      if (this.#isNull()) this.#nothing(field)
      else this.#embedded(field, depth)
    } while (this.#goesOn())
  }

  #strings(field: JsonField): void {
    do {
      if (this.#isNull()) this.#nothing(field)
      else this.#string(field, true)
    } while (this.#goesOn())
  }

  #numbers(field: JsonField): void {
    const start = this.#head(field) + 1
    this.#to = start
    do {
      this.#reach(HEAD)
      this.#number(field)
    } while (this.#goesOn())
    this.#close(start, 1)
  }

  /** Goes past what stands behind an element; whether it is a comma, so that another one comes. */
  #goesOn(): boolean {
    const json = this.#json
    const at = ascii.pastSpace(json, this.#at)
    if (json[at] === ascii.COMMA) {
      this.#at = ascii.pastSpace(json, at + 1)
      return true
    }
    if (json[at] !== ascii.CLOSE_BRACKET) throw new MalformedJson('is followed by neither a comma nor an end', at)
    this.#at = at + 1
    return false
  }

  #nothing(field: JsonField): void {
    this.#to = this.#head(field)
    this.#out[this.#to++] = 0
  }

  #scalar(field: JsonField, always: boolean): void {
    switch (field.kind) {
      case table.STRING:
        return this.#string(field, always)
      case table.BYTES:
      case table.IDENTIFIER:
        return this.#binary(field, always)
      default: {
        const before = this.#to
        this.#to = this.#head(field)
        if (!this.#number(field) && !always) this.#to = before
      }
    }
  }

  #string(field: JsonField, always: boolean): void {
    const json = this.#json
    if (json[this.#at] !== ascii.QUOTE) throw new MalformedJson('is not a string', this.#at)
    if (!always && json[this.#at + 1] === ascii.QUOTE) {
      this.#at += 2
      return
    }
    const start = this.#head(field) + 1
    this.#to = start
    cursor.at = this.#at + 1
    for (;;) {
      this.#to = copyText(json, cursor.at, this.#out, this.#to, this.#room)
      if (cursor.isClosed) break
      this.#grow(HEAD)
    }
    this.#at = cursor.at
    this.#close(start, 1)
  }

  #binary(field: JsonField, always: boolean): void {
    const from = this.#at
    if (this.#json[from] !== ascii.QUOTE) throw new MalformedJson('is not a string', from)
    this.#quoted(from + 1)
    const { scalar } = field.field
    const length = this.#end - this.#start
    if (length === 0 && !always) return
    const start = this.#head(field) + 1
    this.#to = start
    this.#reach(length)
    if (scalar === 'bytes') {
      this.#to = writeBase64(this.#text, this.#start, this.#end, this.#out, start)
      if (this.#to === NONE) throw new MalformedJson('is not base64', from)
    } else {
      const bytes = IDENTIFIER_BYTES[scalar as keyof typeof IDENTIFIER_BYTES]
      this.#to = writeHex(this.#text, this.#start, this.#end, this.#out, start)
      if (length !== 0 && this.#to - start !== bytes)
        throw new MalformedJson(`is not an id of ${bytes * 2} hexadecimal digits`, from)
    }
    this.#close(start, 1)
  }

  /** Writes a number, a bool or an enum; returns whether it is another one than 0. There is room for it. */
  #number(field: JsonField): boolean {
    const { kind } = field
    if (kind === table.BOOL) return this.#bool()
    const from = this.#at
    const isQuoted = this.#json[from] === ascii.QUOTE
    if (isQuoted) this.#quoted(from + 1)
    else {
      this.#text = this.#json
      this.#start = from
      this.#end = this.#at = endOfNumber(this.#json, from)
    }
    if (kind === table.DOUBLE) return this.#double(from, isQuoted)
    if (isQuoted && kind === table.ENUM) {
      const number = field.names!.find(this.#text, this.#start, this.#end)
      if (number !== undefined) {
        this.#to = writeVarint(this.#out, this.#to, number)
        return number !== 0
      }
    }
    if (!readInteger(this.#text, this.#start, this.#end)) throw new MalformedJson(expected(kind), from)
    return kind >= table.INT64 ? this.#long(kind, from) : this.#short(kind, from)
  }

  #bool(): boolean {
    const value = ascii.stands(ascii.TRUE, this.#json, this.#at)
    if (!value && !ascii.stands(ascii.FALSE, this.#json, this.#at))
      throw new MalformedJson('is not true or false', this.#at)
    this.#at += value ? ascii.TRUE.length : ascii.FALSE.length
    this.#out[this.#to++] = value ? 1 : 0
    return value
  }

  #double(from: number, isQuoted: boolean): boolean {
    const value = isQuoted
      ? readQuotedDouble(this.#text, this.#start, this.#end)
      : readDouble(this.#text, this.#start, this.#end)
    if (value === undefined || (!isQuoted && !Number.isFinite(value)))
      throw new MalformedJson('is not a number that a double can hold', from)
    this.#view.setFloat64(this.#to, value, true)
    this.#to += 8
    return !Object.is(value, 0)
  }

  /** Numbers of 32 bits; `integer` holds what was read. */
  #short(kind: number, from: number): boolean {
    const { low, high, isNegative } = integer
    const isSigned = kind !== table.UINT32 && kind !== table.FIXED32
    const most = isNegative ? (isSigned ? INT32_LEAST : 0) : isSigned ? INT32_LEAST - 1 : 2 ** 32 - 1
    if (high !== 0 || low > most) throw new MalformedJson(expected(kind), from)
    if (kind === table.FIXED32) {
      this.#view.setUint32(this.#to, low, true)
      this.#to += 4
    } else if (kind === table.SINT32) {
      this.#to = writeVarint(this.#out, this.#to, isNegative && low > 0 ? low * 2 - 1 : low * 2)
    } else if (isNegative && low > 0) this.#varint(-low, -1)
    else this.#to = writeVarint(this.#out, this.#to, low)
    return low !== 0
  }

  /** Numbers of 64 bits, in two halves. */
  #long(kind: number, from: number): boolean {
    let { low, high } = integer
    const isSigned = kind === table.INT64 || kind === table.SFIXED64
    if (integer.isNegative && (low !== 0 || high !== 0)) {
      if (!isSigned || high > INT32_LEAST || (high === INT32_LEAST && low > 0))
        throw new MalformedJson(expected(kind), from)
      high = low === 0 ? -high : ~high
      low = -low
    } else if (isSigned && high >= INT32_LEAST) throw new MalformedJson(expected(kind), from)
    if (kind === table.INT64 || kind === table.UINT64) this.#varint(low, high)
    else {
      this.#view.setInt32(this.#to, low, true)
      this.#view.setInt32(this.#to + 4, high, true)
      this.#to += 8
    }
    return low !== 0 || high !== 0
  }

  /** 64 bits as a varint, given as two halves, signed or not. */
  #varint(low: number, high: number): void {
    const out = this.#out
    let to = this.#to
    low >>>= 0
    high >>>= 0
    while (high !== 0) {
      out[to++] = (low & 0x7f) | 0x80
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    this.#to = writeVarint(out, to, low)
  }

  /** Reads a string of few characters, whose contents begin at `at`, to be looked at as `#text`. */
  #quoted(at: number): void {
    const json = this.#json
    const end = endOfText(json, at)
    this.#at = end + 1
    this.#text = json
    this.#start = at
    this.#end = end
    if (cursor.hasEscapes) {
      this.#text = Buffer.allocUnsafe(end - at)
      this.#start = 0
      this.#end = copyText(json, at, this.#text, 0, Infinity)
    }
  }

  /** Whether null stands here, which is gone past. */
  #isNull(): boolean {
    if (this.#json[this.#at] !== ascii.SMALL_N) return false
    if (!ascii.stands(ascii.NULL, this.#json, this.#at)) throw new MalformedJson('is no JSON value', this.#at)
    this.#at += ascii.NULL.length
    return true
  }

  /** Writes the tag of a field, with room behind it for a number or a length; returns where it ends. */
  #head(field: JsonField): number {
    this.#reach(HEAD)
    const { tag } = field
    if (tag < 0x80) {
      this.#out[this.#to] = tag
      return this.#to + 1
    }
    return writeVarint(this.#out, this.#to, tag)
  }

  /** Puts the length before what was written from `start` on, where `room` bytes are free; returns how many it took. */
  #close(start: number, room: number): number {
    const length = this.#to - start
    const size = varintSize(length)
    if (size !== room) {
      this.#reach(HEAD)
      this.#out.copyWithin(start + size - room, start, this.#to)
      this.#to += size - room
    }
    writeVarint(this.#out, start - room, length)
    return size
  }

  /** Takes out what was written from `start` to `end`. */
  #cut(start: number, end: number): void {
    this.#out.copyWithin(start, end, this.#to)
    this.#to -= end - start
  }

  /** Makes sure of room for `bytes` more. */
  #reach(bytes: number): void {
    if (this.#to + bytes > this.#room) this.#grow(bytes)
  }

  #grow(bytes: number): void {
    const larger = this.#reserve(Math.max(this.#room * 2, this.#to + bytes))
    this.#out.copy(larger.buffer, 0, 0, this.#to)
    this.#slab.release()
    this.#into(larger)
  }

  #into(slab: Slab): void {
    this.#slab = slab
    this.#out = slab.buffer
    this.#view = viewOf(slab.buffer)
    this.#room = slab.capacity
  }
}

function expected(kind: number): string {
  switch (kind) {
    case table.UINT32:
    case table.FIXED32:
      return `is not a whole number from 0 to ${2 ** 32 - 1}`
    case table.INT64:
    case table.SFIXED64:
      return 'is not a whole number of 64 bits'
    case table.UINT64:
    case table.FIXED64:
      return 'is not a whole number of 64 bits, unsigned'
    default:
      return `is not a whole number from ${-INT32_LEAST} to ${INT32_LEAST - 1}`
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
}
