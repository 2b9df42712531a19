import type { Node } from '../steps/node.ts'
import { known } from '../wire/fields.ts'
import type { Message } from '../wire/message.ts'
import { Attributes } from './attributes.ts'
import { numberOf, setField, textOf, timeOf } from './fields.ts'
import type { RecordView } from './record-view.ts'

const TIME = known('SpanEvent', 'time_unix_nano')
const NAME = known('SpanEvent', 'name')
const DROPPED_ATTRIBUTES = known('SpanEvent', 'dropped_attributes_count')

/** Something that happened during a span. */
export class SpanEvent implements RecordView {
  readonly level = 'spanEvent'
  readonly attributes: Attributes
  readonly #message: Message

  constructor(node: Node) {
    this.attributes = new Attributes(node.subject)
    this.#message = node.message
  }

  get time(): bigint {
    return timeOf(this.#message, TIME)
  }
  set time(value: bigint) {
    setField(this.#message, TIME, value)
  }

  get name(): string {
    return textOf(this.#message, NAME)
  }
  set name(value: string) {
    setField(this.#message, NAME, value)
  }

  get droppedAttributesCount(): number {
    return numberOf(this.#message, DROPPED_ATTRIBUTES)
  }
  set droppedAttributesCount(value: number) {
    setField(this.#message, DROPPED_ATTRIBUTES, value)
  }
}
