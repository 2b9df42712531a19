import type { Arena } from './arena.ts'
import * as verdicts from './attribute-is.ts'
import * as interests from './interest.ts'
import type { Interest } from './interest.ts'
import { ANY_KEY } from './key.ts'
import { Malformed } from './malformed.ts'
import * as noting from './notes.ts'
import * as wire from './varint.ts'
import { varintSize, writeVarint } from './write.ts'

/** Numbers that an entry takes on the tape, and what they are. */
export const ENTRY = 4
export const TAG = 0
export const START = 1
export const VALUE = 2
export const END = 3

// The compiler folds constants that a module keeps to itself, but loads and checks each time those that it imports or
// exports: the scan takes twice as long with them.
const { ANOTHER, HOLDS } = verdicts
const { marksOf } = interests
const { notes, RECORD } = noting
const { VARINT, FIXED64, LENGTH, FIXED32, cursor, readTag, readLength, skip } = wire

const FIRST_ENTRIES = 64
/**
 * A tape that grew beyond this many entries (4 MiB) is not kept. It cannot have more than one for two bytes of input.
 */
const MOST_KEPT = 256 * 1024

/** Stands for the tag of an entry that was removed: no field has number 0. */
const REMOVED = 0
/** Stands for the tag of a piece that nobody looks into. */
const REST = 1
const UNEDITED = 2 ** 30 - 1

/**
 * One protobuf message as a tape: for each field that stands in it, in order, the tag, where the tag begins, where the
 * value begins (after the length of one that has a length), and where it ends. All are offsets into the arena, so an
 * edit is an entry that points elsewhere, a message that stands in several pieces is one tape, and nothing moves before
 * it is written out. Used again and again: `begin`, then `scan`.
 *
 * Places on the tape are indices of an entry's first number: `tape[index + VALUE]`.
 */
export class Message {
  arena: Arena
  tape: Int32Array<ArrayBuffer> = new Int32Array(FIRST_ENTRIES * ENTRY)
  /** Numbers on the tape. */
  length = 0
  /** Where the first edit since `begin` happened: what stands before it on the tape is as it was scanned. */
  edited = UNEDITED
  /** The marks of the keys that attributes may have here: see `Key`. */
  marks = ANY_KEY
  /** Whether edits are refused: who looks at it through a view may not change it now. */
  sealed = false
  /** Where the contents begin that `write` wrote last. */
  written = 0

  constructor(arena: Arena) {
    this.arena = arena
  }

  get changed(): boolean {
    return this.edited !== UNEDITED
  }

  begin(): void {
    if (this.tape.length > MOST_KEPT * ENTRY) this.tape = new Int32Array(FIRST_ENTRIES * ENTRY)
    this.length = 0
    this.marks = 0
    this.edited = UNEDITED
  }

  /**
   * Appends the entries of `[start, end)`. Checks that they end where it ends; does not look into embedded messages.
   */
  scan(start: number, end: number): void {
    this.marks = ANY_KEY
    const buffer = this.arena.buffer
    let tape = this.tape
    let index = this.length
    let at = start
    while (at < end) {
      if (index === tape.length) tape = this.#grow()
      let value = at + 1
      let tag = buffer[at]!
      if (tag >= 0x80 || tag < 8) {
        // `| 0` keeps the numbers of this loop small integers for the compiler.
        tag = readTag(buffer, at, end) | 0
        value = cursor.at | 0
      }
      let next: number
      const wireType = tag & 7
      if (wireType === LENGTH) {
        const length = value < end ? buffer[value]! : 0x80
        if (length < 0x80) {
          value++
          next = value + length
        } else {
          next = readLength(buffer, value, end) | 0
          value = cursor.at | 0
          next += value
        }
      } else if (wireType === FIXED64) next = value + 8
      else if (wireType === FIXED32) next = value + 4
      else if (wireType === VARINT && value < end && buffer[value]! < 0x80) next = value + 1
      else next = skip(buffer, value, end, tag) | 0
      if (next > end) throw new Malformed('a field beyond the end of what encloses it', at)
      tape[index] = tag
      tape[index + 1] = at
      tape[index + 2] = value
      tape[index + 3] = next
      index += 4
      at = next
      if (wireType !== LENGTH || tag >= 0x80) continue
      // Repeated fields stand in a row, and most of them are short: a fifth of the time is saved here.
      while (at + 1 < end && buffer[at] === tag && index < tape.length) {
        const length = buffer[at + 1]!
        if (length >= 0x80) break
        next = at + 2 + length
        if (next > end) throw new Malformed('a field beyond the end of what encloses it', at)
        tape[index] = tag
        tape[index + 1] = at
        tape[index + 2] = at + 2
        tape[index + 3] = next
        index += 4
        at = next
      }
    }
    this.length = index
  }

  /**
   * Appends what `interest` looks for in `[start, end)`, perhaps some more, and the rest in pieces between. Checks as much as
   * `scan` does, but ends at once where what it `dropsIf` holds; returns what was found out about that.
   */
  scanFor(interest: Interest, start: number, end: number): number {
    const { buffer } = this.arena
    const { attributes, dropsIf } = interest
    let decided = ANOTHER
    for (let at = start; at < end;) {
      const from = at
      at = interest.next(buffer, from, end)
      if (at !== from) this.#push(REST, from, from, at)
      if (at >= end) break
      at = this.#scanOne(at, end)
      const entry = this.length - ENTRY
      if (this.tape[entry] !== attributes) continue
      const value = this.tape[entry + VALUE]!
      this.marks |= marksOf(buffer, value, at)
      if (decided !== ANOTHER || dropsIf === undefined) continue
      decided = dropsIf.judge(buffer, value, at)
      if (decided === HOLDS) break
    }
    return decided
  }

  /**
   * As `scanFor`, of a record `[start, end)` whose fields that are looked for were noted, from `first` on, when it stood `shift` bytes
   * nearer to the beginning.
   */
  recall(interest: Interest, first: number, start: number, end: number, shift: number): number {
    const { buffer } = this.arena
    const { attributes, dropsIf } = interest
    const { tape, length } = notes
    let decided = ANOTHER
    let rest = start
    for (let index = first; index < length && tape[index] !== RECORD; index += ENTRY) {
      const tag = tape[index]!
      const at = (tape[index + 1]! + shift) | 0
      const value = (tape[index + 2]! + shift) | 0
      const next = (tape[index + 3]! + shift) | 0
      if (at > rest) this.#push(REST, rest, rest, at)
      this.#push(tag, at, value, next)
      rest = next
      if (tag !== attributes) continue
      this.marks |= marksOf(buffer, value, next)
      if (decided !== ANOTHER || dropsIf === undefined) continue
      decided = dropsIf.judge(buffer, value, next)
      if (decided === HOLDS) return decided
    }
    if (end > rest) this.#push(REST, rest, rest, end)
    return decided
  }

  #scanOne(at: number, end: number): number {
    const { buffer } = this.arena
    let tag = buffer[at]!
    let value = at + 1
    let next: number
    if (tag < 0x80 && tag > 7 && (tag & 7) === LENGTH && value < end && buffer[value]! < 0x80) {
      next = value + 1 + buffer[value++]!
      if (next > end) throw new Malformed('a length beyond the end of what encloses it', at)
    } else {
      tag = readTag(buffer, at, end)
      value = cursor.at
      if ((tag & 7) === LENGTH) {
        const length = readLength(buffer, value, end)
        value = cursor.at
        next = value + length
      } else next = skip(buffer, value, end, tag)
    }
    this.#push(tag, at, value, next)
    return next
  }

  /**
   * Appends the entries of every message that stands in `outer` with this tag: embedded messages that stand twice are
   * one, joined.
   */
  scanAll(outer: Message, tag: number): void {
    const { tape, length } = outer
    for (let index = 0; index < length; index += ENTRY) {
      if (tape[index] === tag) this.scan(tape[index + VALUE]!, tape[index + END]!)
    }
  }

  /** The first entry with this tag, or -1. */
  first(tag: number): number {
    const tape = this.tape
    for (let index = 0; index < this.length; index += ENTRY) if (tape[index] === tag) return index
    return -1
  }

  /** The last entry with this tag, which is the one that counts where a field may stand only once; or -1. */
  last(tag: number): number {
    const tape = this.tape
    for (let index = this.length - ENTRY; index >= 0; index -= ENTRY) if (tape[index] === tag) return index
    return -1
  }

  /** The last entry with any of these tags (members of a oneof), or -1. */
  lastOf(tags: readonly number[]): number {
    let last = -1
    for (let index = 0; index < tags.length; index++) last = Math.max(last, this.last(tags[index]!))
    return last
  }

  /** Appends an entry that is no change: what the record says elsewhere. */
  extend(tag: number, start: number, value: number, end: number): void {
    const { sealed, edited } = this
    this.sealed = false
    this.append(tag, start, value, end)
    this.sealed = sealed
    this.edited = edited
  }

  append(tag: number, start: number, value: number, end: number): void {
    this.replace(this.#room(), tag, start, value, end)
  }

  replace(index: number, tag: number, start: number, value: number, end: number): void {
    this.#refuseSealed()
    const tape = this.tape
    tape[index + TAG] = tag
    tape[index + START] = start
    tape[index + VALUE] = value
    tape[index + END] = end
    this.marks = ANY_KEY
    if (index < this.edited) this.edited = index
  }

  /** Writes `inner` and puts it in the place of the entry at `index`, or appends it (-1). */
  replaceByMessage(index: number, tag: number, inner: Message): void {
    const start = inner.write(tag)
    const place = index < 0 ? this.#room() : index
    this.replace(place, tag, start, inner.written, this.arena.used)
  }

  remove(index: number): void {
    this.replace(index, REMOVED, 0, 0, 0)
  }

  /** Removes every entry with any of these tags; says whether there was one. */
  removeAll(tags: readonly number[]): boolean {
    let removed = false
    for (let which = 0; which < tags.length; which++) {
      const tag = tags[which]!
      for (let index = 0; index < this.length; index += ENTRY) {
        if (this.tape[index] !== tag) continue
        this.remove(index)
        removed = true
      }
    }
    return removed
  }

  /**
   * Puts an entry in the place of the last one with any of `tags`, of which it leaves no other; appends it if there is
   * none.
   */
  put(tags: readonly number[], tag: number, start: number, value: number, end: number): void {
    const index = this.lastOf(tags)
    if (index < 0) return this.append(tag, start, value, end)
    this.removeAll(tags)
    this.replace(index, tag, start, value, end)
  }

  /**
   * Writes the whole as an embedded message with this tag into the arena; returns where its tag begins. It ends at
   * `arena.used`.
   */
  write(tag: number): number {
    const { tape, arena } = this
    let size = 0
    for (let index = 0; index < this.length; index += ENTRY) size += tape[index + END]! - tape[index + START]!
    const start = arena.reserve(varintSize(tag >>> 0) + varintSize(size) + size)
    let at = writeVarint(arena.buffer, writeVarint(arena.buffer, start, tag >>> 0), size)
    this.written = at
    for (let index = 0; index < this.length;) {
      const from = tape[index + START]!
      let to = tape[index + END]!
      // What stands in one piece is copied as one.
      for (index += ENTRY; index < this.length && tape[index + START] === to; index += ENTRY) to = tape[index + END]!
      at = arena.copy(at, from, to)
    }
    return start
  }

  #refuseSealed(): void {
    if (this.sealed) throw new TypeError('a record that is only looked at was changed')
  }

  #push(tag: number, start: number, value: number, end: number): void {
    const index = this.length
    let { tape } = this
    if (index === tape.length) tape = this.#grow()
    tape[index] = tag
    tape[index + 1] = start
    tape[index + 2] = value
    tape[index + 3] = end
    this.length = index + ENTRY
  }

  /** Room for another entry. */
  #room(): number {
    this.#refuseSealed()
    const index = this.length
    if (index === this.tape.length) this.#grow()
    this.length = index + ENTRY
    return index
  }

  #grow(): Int32Array<ArrayBuffer> {
    const larger = new Int32Array(this.tape.length * 2)
    larger.set(this.tape)
    return (this.tape = larger)
  }
}
