import type { Arena } from '../wire/arena.ts'
import * as layout from '../wire/message.ts'
import type { Message } from '../wire/message.ts'
import * as verdicts from '../wire/attribute-is.ts'
import { Dictionary, DICTIONARY_TAG } from '../wire/dictionary.ts'
import { Output } from '../wire/output.ts'
import { cursor, readTag, skip, LENGTH, readLength } from '../wire/varint.ts'
import * as noting from '../wire/notes.ts'
import type { Wish } from '../wire/notes.ts'
import * as nodes from './node.ts'
import type { Node } from './node.ts'
import * as references from './references.ts'

// Kept to the module, so that the compiler folds them: see message.ts.
const { ENTRY, TAG, START, VALUE, END } = layout
const { all, PART_TAG } = nodes
const { notes, RECORD } = noting
const { ATTRIBUTES_TAG } = references
const { FAILS, HOLDS } = verdicts

/**
 * One walk over a request, from the outside in, with the acts of every level done on the way, and the list of what is
 * left. Records that nothing changed stay where they are and are written out in large pieces; a changed one is written
 * as the pieces on its tape. Headers of what encloses a changed record are made anew when it closes.
 */
export class Visit {
  /** Items that the last `walk` dropped. */
  dropped = 0
  readonly #arena: Arena
  readonly #root: Node
  readonly #output: Output
  readonly #droppedBy: Float64Array
  /** Whether anything of what was visited since it was last cleared changed. */
  #touched = false
  /** Where the request begins. */
  #start = 0
  /** How far notes were read. */
  #note = 0

  constructor(root: Node, arena: Arena, droppedBy: Float64Array) {
    this.#arena = arena
    this.#droppedBy = droppedBy
    this.#root = root
    this.#output = new Output(arena)
  }

  /** What validation can note of what is looked for: items, none of which stands in another. */
  get wishes(): readonly Wish[] {
    return [...all(this.#root)].flatMap(({ name, interest, isItem, readsRecord }) =>
      isItem && readsRecord && interest !== undefined ? [{ name, interest }] : [],
    )
  }

  /**
   * Visits the request `[start, end)` of the arena. Says whether it changed; then `write` has the result. `isNoted`: what it `wishes`
   * was noted of this request.
   */
  walk(start: number, end: number, isNoted: boolean): boolean {
    this.#start = start
    this.#note = isNoted ? 0 : notes.length
    this.dropped = 0
    this.#touched = false
    this.#output.clear()
    const { message, references } = this.#root
    if (references !== undefined) {
      this.#arena.dictionary = new Dictionary(start, end)
      references.begin()
    }
    message.begin()
    message.scan(start, end)
    this.#walkInner(this.#root)
    if (references !== undefined) this.#pushDictionary(message, references)
    return this.#touched
  }

  /** Writes what the last `walk` left to the end of the arena; returns where it begins. */
  write(): number {
    return this.#output.write()
  }

  /** Visits the record `[start, end)`, whose contents begin at `value`; says whether it is still there. */
  #visit(node: Node, start: number, value: number, end: number): boolean {
    const { message, part, acts } = node
    message.begin()
    let first = 0
    if (node.interest !== undefined) {
      if (node.readsRecord) {
        const noted = this.#noted(value)
        const decided =
          noted < 0
            ? message.scanFor(node.interest, value, end)
            : message.recall(node.interest, noted, value, end, this.#start)
        if (decided === HOLDS) return this.#drop(node, 0, value, end)
        if (decided === FAILS) first = 1
      }
    } else if (node.readsRecord || node.hasVisited) message.scan(value, end)
    if (node.readsRecord) node.expand()
    if (part !== undefined && node.readsPart) {
      part.begin()
      part.scanAll(message, PART_TAG)
    }
    for (let index = first; index < acts.length; index++) {
      if (acts[index]!()) return this.#drop(node, index, value, end)
    }
    return node.hasVisited ? this.#container(node, start, end) : this.#leaf(node, start, end)
  }

  /** Where the notes begin of the record whose contents begin at `start`; less than 0 where there are none. */
  #noted(start: number): number {
    const { tape, length } = notes
    const where = start - this.#start
    let at = this.#note
    while (at < length && (tape[at] !== RECORD || tape[at + 1]! < where)) at += ENTRY
    this.#note = at
    return at < length && tape[at + 1] === where ? at + ENTRY : -1
  }

  /** The record whose contents are `[start, end)` goes by one of the acts. */
  #drop(node: Node, act: number, start: number, end: number): false {
    this.#touched = true
    const items = this.#items(node, start, end)
    this.dropped += items
    this.#droppedBy[node.steps[act]!]! += items
    return false
  }

  /** A record in which nothing more is visited. */
  #leaf(node: Node, start: number, end: number): boolean {
    const output = this.#output
    const { message, part } = node
    const newPart = part !== undefined && part.changed
    if (!message.changed && !newPart) {
      output.push(start, end)
      return true
    }
    this.#touched = true
    node.fold()
    const place = output.reserve()
    const before = output.size
    if (newPart) output.push(part.write(PART_TAG), this.#arena.used)
    this.#pushRest(message, newPart)
    output.close(place, node.tag, before)
    return true
  }

  /** The entries of a message, but not its part if that was written anew. */
  #pushRest(message: Message, withoutPart: boolean): void {
    const output = this.#output
    const { tape, length, edited } = message
    let index = 0
    if (!withoutPart && length > 0 && edited > 0) {
      // What stands before the first edit stands in one piece.
      index = Math.min(edited, length)
      output.push(tape[START]!, tape[index - ENTRY + END]!)
    }
    for (; index < length; index += ENTRY) {
      const tag = tape[index + TAG]!
      const isLeftOut = tag === ATTRIBUTES_TAG || (withoutPart && tag === PART_TAG)
      if (!isLeftOut) output.push(tape[index + START]!, tape[index + END]!)
    }
  }

  /** A record in which others are visited. */
  #container(node: Node, start: number, end: number): boolean {
    const output = this.#output
    const { message } = node
    const part = node.readsPart ? node.part : undefined
    const place = output.reserve()
    const before = output.size
    const partPlace = part === undefined ? -1 : output.reserve()
    const touchedOutside = this.#touched
    this.#touched = false
    const isEmptied = this.#walkInner(node)
    if (isEmptied && node.isContainer) {
      output.cut(place, before)
      this.#touched = true
      return false
    }
    if (!this.#touched && !message.changed && (part === undefined || !part.changed)) {
      output.cut(place, before)
      output.push(start, end)
      this.#touched = touchedOutside
      return true
    }
    this.#touched = true
    if (part !== undefined) this.#fillPart(message, part, partPlace)
    output.close(place, node.tag, before)
    return true
  }

  #fillPart(message: Message, part: Message, place: number): void {
    const only = message.first(PART_TAG)
    if (!part.changed && only < 0) return
    if (!part.changed && only === message.last(PART_TAG)) {
      this.#output.fill(place, message.tape[only + START]!, message.tape[only + END]!)
    } else this.#output.fill(place, part.write(PART_TAG), this.#arena.used)
  }

  /** Visits what is inside, and passes the rest on. Says whether this visit dropped all that was inside. */
  #walkInner(node: Node): boolean {
    const output = this.#output
    const { message, readsPart, writtenInside } = node
    const isRoot = node === this.#root && node.references !== undefined
    if (!writtenInside) node.fold()
    const first = node.firstThatCounts()
    let kept = 0
    let lost = 0
    for (let index = 0; index < message.length; index += ENTRY) {
      const { tape } = message
      const tag = tape[index]!
      const inner = index < first ? undefined : node.visited(tag)
      if (inner !== undefined) {
        if (this.#visit(inner, tape[index + START]!, tape[index + VALUE]!, tape[index + END]!)) kept++
        else lost++
      } else if (!writtenInside && !(readsPart && tag === PART_TAG) && !isApart(tag, isRoot))
        output.push(tape[index + START]!, tape[index + END]!)
    }
    if (writtenInside) this.#pushOwn(node, first)
    return kept === 0 && lost > 0
  }

  /** The entries that are not visited, after those that are: what inner steps changed is only known now. */
  #pushOwn(node: Node, first: number): void {
    node.fold()
    const { tape, length } = node.message
    for (let index = 0; index < length; index += ENTRY) {
      const isInner = index >= first && node.visited(tape[index]!) !== undefined
      if (!isInner && tape[index] !== ATTRIBUTES_TAG) this.#output.push(tape[index + START]!, tape[index + END]!)
    }
  }

  /** The dictionary, last, with what was added to it. */
  #pushDictionary(message: Message, { additions }: references.References): void {
    const output = this.#output
    const { tape, length } = message
    const place = additions.length === 0 ? -1 : output.reserve()
    const before = output.size
    for (let index = 0; index < length; index += ENTRY) {
      if (tape[index] !== DICTIONARY_TAG) continue
      output.push(tape[index + (place < 0 ? START : VALUE)]!, tape[index + END]!)
    }
    if (place < 0) return
    for (const addition of additions) {
      const start = this.#arena.load(addition)
      output.push(start, this.#arena.used)
    }
    output.close(place, DICTIONARY_TAG, before)
  }

  /** Items in the contents `[start, end)` of a record. */
  #items(node: Node, start: number, end: number): number {
    if (node.isItem) return 1
    if (node.inner.length === 0) return 0
    const { buffer } = this.#arena
    let items = 0
    for (let at = start; at < end;) {
      const tag = readTag(buffer, at, end)
      const value = cursor.at
      at = skip(buffer, value, end, tag)
      const inner = (tag & 7) === LENGTH ? node.inner.find((each) => each.tag === tag) : undefined
      if (inner !== undefined) items += this.#items(inner, at - readLength(buffer, value, at), at)
    }
    return items
  }
}

/** Whether a field of a record is not written with the others: attributes that only the tape has, and the dictionary. */
const isApart = (tag: number, isRoot: boolean): boolean => tag === ATTRIBUTES_TAG || (isRoot && tag === DICTIONARY_TAG)
