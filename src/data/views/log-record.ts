import type { Node } from '../steps/node.ts'
import type { Value } from '../steps/step.ts'
import { known } from '../wire/fields.ts'
import type { Message } from '../wire/message.ts'
import { Attributes } from './attributes.ts'
import { numberOf, setField, textOf, timeOf, valueOf } from './fields.ts'
import type { RecordView } from './record-view.ts'
import { Resource } from './resource.ts'
import { Scope } from './scope.ts'

const TIME = known('LogRecord', 'time_unix_nano')
const OBSERVED_TIME = known('LogRecord', 'observed_time_unix_nano')
const SEVERITY_NUMBER = known('LogRecord', 'severity_number')
const SEVERITY_TEXT = known('LogRecord', 'severity_text')
const BODY = known('LogRecord', 'body')
const FLAGS = known('LogRecord', 'flags')
const TRACE_ID = known('LogRecord', 'trace_id')
const SPAN_ID = known('LogRecord', 'span_id')
const EVENT_NAME = known('LogRecord', 'event_name')
const DROPPED_ATTRIBUTES = known('LogRecord', 'dropped_attributes_count')

/** One log record. Identifiers are lower-case hex and empty where absent, times nanoseconds since 1970. */
export class LogRecord implements RecordView {
  readonly level = 'logRecord'
  readonly attributes: Attributes
  readonly resource: Resource
  readonly scope: Scope
  readonly #message: Message

  constructor(node: Node) {
    this.attributes = new Attributes(node.subject)
    this.resource = new Resource(node)
    this.scope = new Scope(node)
    this.#message = node.message
  }

  get time(): bigint {
    return timeOf(this.#message, TIME)
  }
  set time(value: bigint) {
    setField(this.#message, TIME, value)
  }

  get observedTime(): bigint {
    return timeOf(this.#message, OBSERVED_TIME)
  }
  set observedTime(value: bigint) {
    setField(this.#message, OBSERVED_TIME, value)
  }

  /** 1 (trace) to 24 (fatal4); 0 unspecified. */
  get severityNumber(): number {
    return numberOf(this.#message, SEVERITY_NUMBER)
  }
  set severityNumber(value: number) {
    setField(this.#message, SEVERITY_NUMBER, value)
  }

  get severityText(): string {
    return textOf(this.#message, SEVERITY_TEXT)
  }
  set severityText(value: string) {
    setField(this.#message, SEVERITY_TEXT, value)
  }

  get body(): Value | undefined {
    return valueOf(this.#message, BODY)
  }
  set body(value: Value | undefined) {
    setField(this.#message, BODY, value)
  }

  get flags(): number {
    return numberOf(this.#message, FLAGS)
  }
  set flags(value: number) {
    setField(this.#message, FLAGS, value)
  }

  get traceId(): string {
    return textOf(this.#message, TRACE_ID)
  }
  set traceId(value: string) {
    setField(this.#message, TRACE_ID, value)
  }

  get spanId(): string {
    return textOf(this.#message, SPAN_ID)
  }
  set spanId(value: string) {
    setField(this.#message, SPAN_ID, value)
  }

  get eventName(): string {
    return textOf(this.#message, EVENT_NAME)
  }
  set eventName(value: string) {
    setField(this.#message, EVENT_NAME, value)
  }

  get droppedAttributesCount(): number {
    return numberOf(this.#message, DROPPED_ATTRIBUTES)
  }
  set droppedAttributesCount(value: number) {
    setField(this.#message, DROPPED_ATTRIBUTES, value)
  }
}
