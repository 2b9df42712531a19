import type { Node } from '../steps/node.ts'
import type { Message } from '../wire/message.ts'
import { FIXED64, LENGTH, readFixed64, readInt32, readInt64, cursor, VARINT } from '../wire/varint.ts'
import { END, ENTRY, VALUE } from '../wire/message.ts'
import { Attributes } from './attributes.ts'
import { numbersOf } from './fields.ts'
import { Profile } from './profile.ts'
import type { RecordView } from './record-view.ts'
import { Resource } from './resource.ts'
import { Scope } from './scope.ts'
import { linkAt, stackAt, type Frame, type SampleLink } from './stack.ts'

const STACK_INDEX_TAG = 0x08
const LINK_INDEX_TAG = 0x18
const VALUES = 4
const TIMESTAMPS = 5

/** What was observed with one stack, once or many times. */
export class Sample implements RecordView {
  readonly level = 'sample'
  /** Values of attributes that were set here have no unit. */
  readonly attributes: Attributes
  readonly resource: Resource
  readonly scope: Scope
  readonly profile: Profile
  readonly #message: Message

  constructor(node: Node) {
    this.attributes = new Attributes(node.subject)
    this.resource = new Resource(node)
    this.scope = new Scope(node)
    this.profile = new Profile(node)
    this.#message = node.message
  }

  /** Of the profile's `sampleType`; rounded where they are beyond 2^53. None where each timestamp counts as 1. */
  get values(): number[] {
    return numbersOf(this.#message, VALUES, VARINT, (buffer, at, end) => Number(readInt64(buffer, at, end)))
  }

  /** When each value was observed, in nanoseconds since 1970; none where they are sums. */
  get timestamps(): bigint[] {
    const { tape, length, arena } = this.#message
    const times: bigint[] = []
    for (let entry = 0; entry < length; entry += ENTRY) {
      const tag = tape[entry]
      if (tag !== ((TIMESTAMPS << 3) | LENGTH) && tag !== ((TIMESTAMPS << 3) | FIXED64)) continue
      const end = tape[entry + END]!
      for (let at = tape[entry + VALUE]!; at < end; at = cursor.at) times.push(readFixed64(arena.buffer, at, end))
    }
    return times
  }

  /** The stack, the innermost call first; made anew each time. */
  get stack(): Frame[] {
    return stackAt(this.#message.arena, this.#index(STACK_INDEX_TAG))
  }

  /** The span during which it was observed. */
  get link(): SampleLink | undefined {
    return linkAt(this.#message.arena, this.#index(LINK_INDEX_TAG))
  }

  #index(tag: number): number {
    const { tape, arena } = this.#message
    const entry = this.#message.last(tag)
    return entry < 0 ? 0 : readInt32(arena.buffer, tape[entry + VALUE]!, tape[entry + END]!)
  }
}
