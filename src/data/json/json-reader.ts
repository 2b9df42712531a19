import { DEEPEST } from '../kernels/validate.ts'
import type { Slab } from '../memory/slab.ts'
import { writeVarint } from '../wire/write.ts'
import * as ascii from './ascii.ts'
import { NONE, writeBase64, writeHex } from './binary.ts'
import { MalformedJson } from './malformed-json.ts'
import { endOfNumber, integer, readDouble, readInteger, readQuotedDouble } from './numbers.ts'
import { pastValue } from './skip.ts'
import * as table from './table.ts'
import type { JsonField, JsonKey, JsonMessage } from './table.ts'
import { copyText, cursor, endOfText } from './text.ts'
import { HEAD, type Wire, WireOutput } from './wire-output.ts'

const IDENTIFIER_BYTES = { trace_id: 16, span_id: 8, profile_id: 16 }

const NOTHING = Buffer.alloc(0)

/**
 * Reads a request once from its first byte to its last and writes the wire as it goes. Nothing is made on the way, no
 * object, no string: names are compared and numbers read where they stand.
 */
export class JsonReader {
  #json: Buffer = NOTHING
  readonly #wire = new WireOutput()
  /** Where what is read next begins. */
  #at = 0
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
    this.#wire.begin(Math.ceil(json.length / 2), reserve)
    try {
      this.#at = ascii.pastSpace(json, 0)
      if (!this.#isNull()) this.#message(message, 1)
      this.#at = ascii.pastSpace(json, this.#at)
      if (this.#at < json.length) throw new MalformedJson('is followed by something else', this.#at)
      return this.#wire.finish()
    } catch (error) {
      this.#wire.drop()
      throw error
    } finally {
      this.#json = this.#text = NOTHING
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
            if (chosen !== NONE) this.#wire.cut(chosen, chosenEnd)
            chosen = this.#wire.to
          }
          if (isNull) this.#nothing(field)
          else this.#field(field, (met & field.bit) !== 0, depth)
          if (field.chosen) chosenEnd = this.#wire.to
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
    const start = this.#wire.head(field) + room
    this.#wire.to = start
    this.#message(field.message!, depth + 1)
    field.lengthBytes = this.#wire.close(start, room)
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
    const start = this.#wire.head(field) + 1
    this.#wire.to = start
    do {
      this.#wire.reach(HEAD)
      this.#number(field)
    } while (this.#goesOn())
    this.#wire.close(start, 1)
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
    this.#wire.to = this.#wire.head(field)
    this.#wire.buffer[this.#wire.to++] = 0
  }

  #scalar(field: JsonField, always: boolean): void {
    switch (field.kind) {
      case table.STRING:
        return this.#string(field, always)
      case table.BYTES:
      case table.IDENTIFIER:
        return this.#binary(field, always)
      default: {
        const before = this.#wire.to
        this.#wire.to = this.#wire.head(field)
        if (!this.#number(field) && !always) this.#wire.to = before
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
    const start = this.#wire.head(field) + 1
    this.#wire.to = start
    cursor.at = this.#at + 1
    for (;;) {
      this.#wire.to = copyText(json, cursor.at, this.#wire.buffer, this.#wire.to, this.#wire.room)
      if (cursor.isClosed) break
      this.#wire.grow(HEAD)
    }
    this.#at = cursor.at
    this.#wire.close(start, 1)
  }

  #binary(field: JsonField, always: boolean): void {
    const from = this.#at
    if (this.#json[from] !== ascii.QUOTE) throw new MalformedJson('is not a string', from)
    this.#quoted(from + 1)
    const { scalar } = field.field
    const length = this.#end - this.#start
    if (length === 0 && !always) return
    const start = this.#wire.head(field) + 1
    this.#wire.to = start
    this.#wire.reach(length)
    if (scalar === 'bytes') {
      this.#wire.to = writeBase64(this.#text, this.#start, this.#end, this.#wire.buffer, start)
      if (this.#wire.to === NONE) throw new MalformedJson('is not base64', from)
    } else {
      const bytes = IDENTIFIER_BYTES[scalar as keyof typeof IDENTIFIER_BYTES]
      this.#wire.to = writeHex(this.#text, this.#start, this.#end, this.#wire.buffer, start)
      if (length !== 0 && this.#wire.to - start !== bytes)
        throw new MalformedJson(`is not an id of ${bytes * 2} hexadecimal digits`, from)
    }
    this.#wire.close(start, 1)
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
        this.#wire.to = writeVarint(this.#wire.buffer, this.#wire.to, number)
        return number !== 0
      }
    }
    if (!readInteger(this.#text, this.#start, this.#end)) throw new MalformedJson(table.rangeOf(kind), from)
    return kind >= table.INT64 ? this.#long(kind, from) : this.#short(kind, from)
  }

  #bool(): boolean {
    const value = ascii.stands(ascii.TRUE, this.#json, this.#at)
    if (!value && !ascii.stands(ascii.FALSE, this.#json, this.#at))
      throw new MalformedJson('is not true or false', this.#at)
    this.#at += value ? ascii.TRUE.length : ascii.FALSE.length
    this.#wire.buffer[this.#wire.to++] = value ? 1 : 0
    return value
  }

  #double(from: number, isQuoted: boolean): boolean {
    const value = isQuoted
      ? readQuotedDouble(this.#text, this.#start, this.#end)
      : readDouble(this.#text, this.#start, this.#end)
    if (value === undefined || (!isQuoted && !Number.isFinite(value)))
      throw new MalformedJson('is not a number that a double can hold', from)
    this.#wire.view.setFloat64(this.#wire.to, value, true)
    this.#wire.to += 8
    return !Object.is(value, 0)
  }

  /** Numbers of 32 bits; `integer` holds what was read. */
  #short(kind: number, from: number): boolean {
    const { low, high, isNegative } = integer
    const isSigned = kind !== table.UINT32 && kind !== table.FIXED32
    const most = isNegative ? (isSigned ? table.TWO_TO_31 : 0) : isSigned ? table.TWO_TO_31 - 1 : 2 ** 32 - 1
    if (high !== 0 || low > most) throw new MalformedJson(table.rangeOf(kind), from)
    if (kind === table.FIXED32) {
      this.#wire.view.setUint32(this.#wire.to, low, true)
      this.#wire.to += 4
    } else if (kind === table.SINT32) {
      this.#wire.to = writeVarint(this.#wire.buffer, this.#wire.to, isNegative && low > 0 ? low * 2 - 1 : low * 2)
    } else if (isNegative && low > 0) this.#wire.varint(-low, -1)
    else this.#wire.to = writeVarint(this.#wire.buffer, this.#wire.to, low)
    return low !== 0
  }

  /** Numbers of 64 bits, in two halves. */
  #long(kind: number, from: number): boolean {
    let { low, high } = integer
    const isSigned = kind === table.INT64 || kind === table.SFIXED64
    if (integer.isNegative && (low !== 0 || high !== 0)) {
      if (!isSigned || high > table.TWO_TO_31 || (high === table.TWO_TO_31 && low > 0))
        throw new MalformedJson(table.rangeOf(kind), from)
      high = low === 0 ? -high : ~high
      low = -low
    } else if (isSigned && high >= table.TWO_TO_31) throw new MalformedJson(table.rangeOf(kind), from)
    if (kind === table.INT64 || kind === table.UINT64) this.#wire.varint(low, high)
    else {
      this.#wire.view.setInt32(this.#wire.to, low, true)
      this.#wire.view.setInt32(this.#wire.to + 4, high, true)
      this.#wire.to += 8
    }
    return low !== 0 || high !== 0
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
}
