import type { Node } from '../steps/node.ts'
import { known } from '../wire/fields.ts'
import type { Message } from '../wire/message.ts'
import { Attributes } from './attributes.ts'
import { numberOf, setField, textOf } from './fields.ts'
import type { RecordView } from './record-view.ts'

const TRACE_ID = known('SpanLink', 'trace_id')
const SPAN_ID = known('SpanLink', 'span_id')
const TRACE_STATE = known('SpanLink', 'trace_state')
const FLAGS = known('SpanLink', 'flags')
const DROPPED_ATTRIBUTES = known('SpanLink', 'dropped_attributes_count')

/** What points from a span to another one. */
export class SpanLink implements RecordView {
  readonly level = 'spanLink'
  readonly attributes: Attributes
  readonly #message: Message

  constructor(node: Node) {
    this.attributes = new Attributes(node.subject)
    this.#message = node.message
  }

  get traceId(): string {
    return textOf(this.#message, TRACE_ID)
  }

  get spanId(): string {
    return textOf(this.#message, SPAN_ID)
  }

  get traceState(): string {
    return textOf(this.#message, TRACE_STATE)
  }
  set traceState(value: string) {
    setField(this.#message, TRACE_STATE, value)
  }

  get flags(): number {
    return numberOf(this.#message, FLAGS)
  }

  get droppedAttributesCount(): number {
    return numberOf(this.#message, DROPPED_ATTRIBUTES)
  }
  set droppedAttributesCount(value: number) {
    setField(this.#message, DROPPED_ATTRIBUTES, value)
  }
}
