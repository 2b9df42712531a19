import type { Node } from '../steps/node.ts'
import { known } from '../wire/fields.ts'
import type { Message } from '../wire/message.ts'
import { Attributes } from './attributes.ts'
import { numberOf, setField, textOf, timeOf } from './fields.ts'
import { each } from './inner.ts'
import type { RecordView } from './record-view.ts'
import { Resource } from './resource.ts'
import { Scope } from './scope.ts'
import { SpanEvent } from './span-event.ts'
import { SpanLink } from './span-link.ts'

const TRACE_ID = known('Span', 'trace_id')
const SPAN_ID = known('Span', 'span_id')
const PARENT_SPAN_ID = known('Span', 'parent_span_id')
const TRACE_STATE = known('Span', 'trace_state')
const NAME = known('Span', 'name')
const KIND = known('Span', 'kind')
const START = known('Span', 'start_time_unix_nano')
const END = known('Span', 'end_time_unix_nano')
const FLAGS = known('Span', 'flags')
const STATUS_CODE = known('Span', 'status.code')
const STATUS_MESSAGE = known('Span', 'status.message')
const DROPPED_ATTRIBUTES = known('Span', 'dropped_attributes_count')
const DROPPED_EVENTS = known('Span', 'dropped_events_count')
const DROPPED_LINKS = known('Span', 'dropped_links_count')

/** One operation of a trace. Identifiers are lower-case hex and empty where absent, times nanoseconds since 1970. */
export class Span implements RecordView {
  readonly level = 'span'
  readonly attributes: Attributes
  readonly resource: Resource
  readonly scope: Scope
  readonly #message: Message
  readonly #node: Node
  #event: SpanEvent | undefined
  #link: SpanLink | undefined

  constructor(node: Node) {
    this.attributes = new Attributes(node.subject)
    this.resource = new Resource(node)
    this.scope = new Scope(node)
    this.#message = node.message
    this.#node = node
  }

  get traceId(): string {
    return textOf(this.#message, TRACE_ID)
  }

  get spanId(): string {
    return textOf(this.#message, SPAN_ID)
  }

  get parentSpanId(): string {
    return textOf(this.#message, PARENT_SPAN_ID)
  }

  get traceState(): string {
    return textOf(this.#message, TRACE_STATE)
  }
  set traceState(value: string) {
    setField(this.#message, TRACE_STATE, value)
  }

  get name(): string {
    return textOf(this.#message, NAME)
  }
  set name(value: string) {
    setField(this.#message, NAME, value)
  }

  /** 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  get kind(): number {
    return numberOf(this.#message, KIND)
  }
  set kind(value: number) {
    setField(this.#message, KIND, value)
  }

  get startTime(): bigint {
    return timeOf(this.#message, START)
  }
  set startTime(value: bigint) {
    setField(this.#message, START, value)
  }

  get endTime(): bigint {
    return timeOf(this.#message, END)
  }
  set endTime(value: bigint) {
    setField(this.#message, END, value)
  }

  get flags(): number {
    return numberOf(this.#message, FLAGS)
  }

  /** 0 unset, 1 ok, 2 error. */
  get statusCode(): number {
    return numberOf(this.#message, STATUS_CODE)
  }
  set statusCode(value: number) {
    setField(this.#message, STATUS_CODE, value)
  }

  get statusMessage(): string {
    return textOf(this.#message, STATUS_MESSAGE)
  }
  set statusMessage(value: string) {
    setField(this.#message, STATUS_MESSAGE, value)
  }

  get droppedAttributesCount(): number {
    return numberOf(this.#message, DROPPED_ATTRIBUTES)
  }
  set droppedAttributesCount(value: number) {
    setField(this.#message, DROPPED_ATTRIBUTES, value)
  }

  get droppedEventsCount(): number {
    return numberOf(this.#message, DROPPED_EVENTS)
  }

  get droppedLinksCount(): number {
    return numberOf(this.#message, DROPPED_LINKS)
  }

  /** To look at; steps on `spanEvent` change them. The same view again and again. */
  get events(): Iterable<SpanEvent> {
    const [events] = this.#node.inner
    this.#event ??= new SpanEvent(events!)
    return each(this.#node, events!, this.#event)
  }

  /** To look at; steps on `spanLink` change them. The same view again and again. */
  get links(): Iterable<SpanLink> {
    const [, links] = this.#node.inner
    this.#link ??= new SpanLink(links!)
    return each(this.#node, links!, this.#link)
  }
}
