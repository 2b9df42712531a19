import type { Batch } from '../batch.ts'
import type { WireWriter } from '../wire/wire-writer.ts'
import { type Attributes, type EncodedAttributes, writeAttributes } from './attributes.ts'
import { type Identifier, writeSpanId, writeTraceId } from './identifiers.ts'
import { Request, type ResourceFields, type ScopeFields } from './request.ts'

/** What a span holds. Times are nanoseconds since 1970. */
export interface SpanFields {
  readonly traceId: Identifier
  readonly spanId: Identifier
  readonly parentSpanId?: Identifier | undefined
  readonly traceState?: string | undefined
  /** W3C trace flags in bits 0 to 7, whether the parent is remote in bits 8 and 9. */
  readonly flags?: number | undefined
  readonly name: string
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind?: number | undefined
  readonly start: bigint
  readonly end: bigint
  readonly attributes?: Attributes | undefined
  /** More attributes, none of them among the others, which other spans have, too. */
  readonly encoded?: readonly EncodedAttributes[] | undefined
  readonly droppedAttributes?: number | undefined
  readonly events?: readonly SpanEventFields[] | undefined
  readonly droppedEvents?: number | undefined
  readonly links?: readonly SpanLinkFields[] | undefined
  readonly droppedLinks?: number | undefined
  /** `code`: 0 unset, 1 ok, 2 error. */
  readonly status?: { readonly code?: number | undefined; readonly message?: string | undefined } | undefined
}

export interface SpanEventFields {
  readonly time: bigint
  readonly name: string
  readonly attributes?: Attributes | undefined
  readonly droppedAttributes?: number | undefined
}

export interface SpanLinkFields {
  readonly traceId: Identifier
  readonly spanId: Identifier
  readonly traceState?: string | undefined
  readonly attributes?: Attributes | undefined
  readonly droppedAttributes?: number | undefined
  readonly flags?: number | undefined
}

export interface TracesBuilder {
  /** Spans from now on belong to another resource. */
  resource(attributes: Attributes, fields?: ResourceFields, scope?: ScopeFields): TracesBuilder
  /** Spans from now on belong to another scope of the same resource. */
  scope(scope: ScopeFields): TracesBuilder
  span(fields: SpanFields): TracesBuilder
  /** Bytes of what was written. */
  readonly bytes: number
  /** The batch, not charged to any budget; the builder is of no more use. */
  finish(): Batch<'traces'>
}

/**
 * Builds a batch of spans as wire bytes.
 *
 * ```ts
 * traces({ 'service.name': 'shop' }).span({ traceId, spanId, name: 'GET /', kind: 2, start, end }).finish()
 * ```
 */
export function traces(resource: Attributes, scope: ScopeFields = {}): TracesBuilder {
  const request = new Request('traces', resource, scope)
  const builder: TracesBuilder = {
    resource(attributes, fields = {}, scope = {}) {
      request.resource(attributes, fields, scope)
      return builder
    },
    scope(scope) {
      request.scope(scope)
      return builder
    },
    span(fields) {
      request.record(writeSpan, fields)
      return builder
    },
    get bytes() {
      return request.bytes
    },
    finish: () => request.finish(),
  }
  return builder
}

const RECORDS = 2
const ATTRIBUTES = 9
const EVENTS = 11
const LINKS = 13
const STATUS = 15

function writeSpan(writer: WireWriter, fields: SpanFields): void {
  writer.open(RECORDS)
  writeTraceId(writer, 1, fields.traceId)
  writeSpanId(writer, 2, fields.spanId)
  if (fields.traceState) writer.string(3, fields.traceState)
  writeSpanId(writer, 4, fields.parentSpanId)
  if (fields.name !== '') writer.string(5, fields.name)
  if (fields.kind) writer.int(6, fields.kind)
  if (fields.start) writer.fixed64(7, fields.start)
  if (fields.end) writer.fixed64(8, fields.end)
  if (fields.encoded !== undefined) for (const encoded of fields.encoded) encoded.write(writer, ATTRIBUTES)
  if (fields.attributes !== undefined) writeAttributes(writer, ATTRIBUTES, fields.attributes)
  if (fields.droppedAttributes) writer.int(10, fields.droppedAttributes)
  if (fields.events !== undefined) for (const event of fields.events) writeEvent(writer, event)
  if (fields.droppedEvents) writer.int(12, fields.droppedEvents)
  if (fields.links !== undefined) for (const link of fields.links) writeLink(writer, link)
  if (fields.droppedLinks) writer.int(14, fields.droppedLinks)
  if (fields.status !== undefined) writeStatus(writer, fields.status)
  if (fields.flags) writer.fixed32(16, fields.flags)
  writer.close()
}

function writeEvent(writer: WireWriter, fields: SpanEventFields): void {
  writer.open(EVENTS)
  if (fields.time) writer.fixed64(1, fields.time)
  if (fields.name !== '') writer.string(2, fields.name)
  if (fields.attributes !== undefined) writeAttributes(writer, 3, fields.attributes)
  if (fields.droppedAttributes) writer.int(4, fields.droppedAttributes)
  writer.close()
}

function writeLink(writer: WireWriter, fields: SpanLinkFields): void {
  writer.open(LINKS)
  writeTraceId(writer, 1, fields.traceId)
  writeSpanId(writer, 2, fields.spanId)
  if (fields.traceState) writer.string(3, fields.traceState)
  if (fields.attributes !== undefined) writeAttributes(writer, 4, fields.attributes)
  if (fields.droppedAttributes) writer.int(5, fields.droppedAttributes)
  if (fields.flags) writer.fixed32(6, fields.flags)
  writer.close()
}

function writeStatus(writer: WireWriter, status: NonNullable<SpanFields['status']>): void {
  writer.open(STATUS)
  if (status.message) writer.string(2, status.message)
  if (status.code) writer.int(3, status.code)
  writer.close()
}
