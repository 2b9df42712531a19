import type { Node } from '../steps/node.ts'
import type { Value } from '../steps/step.ts'
import { known } from '../wire/fields.ts'
import type { Message } from '../wire/message.ts'
import { Attributes } from './attributes.ts'
import { setField, textOf, timeOf, valueOf } from './fields.ts'
import type { RecordView } from './record-view.ts'

const TIME = known('Exemplar', 'time_unix_nano')
const VALUE = known('Exemplar', 'value')
const TRACE_ID = known('Exemplar', 'trace_id')
const SPAN_ID = known('Exemplar', 'span_id')

/** A measurement that stands for those in a data point. Its attributes are those that the point's lack. */
export class Exemplar implements RecordView {
  readonly level = 'exemplar'
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

  /** An int, or a double, as attributes hold them. */
  get value(): Value | undefined {
    return valueOf(this.#message, VALUE)
  }
  set value(value: Value | undefined) {
    setField(this.#message, VALUE, value)
  }

  get traceId(): string {
    return textOf(this.#message, TRACE_ID)
  }

  get spanId(): string {
    return textOf(this.#message, SPAN_ID)
  }
}
