import type { Batch } from '../batch.ts'
import type { Value } from '../steps/step.ts'
import type { WireWriter } from '../wire/wire-writer.ts'
import { type Attributes, writeAttributes, writeValue } from './attributes.ts'
import { type Identifier, writeSpanId, writeTraceId } from './identifiers.ts'
import { Request, type ResourceFields, type ScopeFields } from './request.ts'

/** What a log record holds; all may be left out. Times are nanoseconds since 1970. */
export interface LogFields {
  readonly time?: bigint | undefined
  readonly observedTime?: bigint | undefined
  /** 1 (TRACE) to 24 (FATAL4). */
  readonly severity?: number | undefined
  readonly severityText?: string | undefined
  readonly body?: Value | undefined
  readonly attributes?: Attributes | undefined
  readonly droppedAttributes?: number | undefined
  readonly flags?: number | undefined
  readonly traceId?: Identifier | undefined
  readonly spanId?: Identifier | undefined
  readonly eventName?: string | undefined
}

export interface LogsBuilder {
  /** Records from now on belong to another resource. */
  resource(attributes: Attributes, fields?: ResourceFields, scope?: ScopeFields): LogsBuilder
  /** Records from now on belong to another scope of the same resource. */
  scope(scope: ScopeFields): LogsBuilder
  record(fields: LogFields): LogsBuilder
  /** Bytes of what was written. */
  readonly bytes: number
  /** The batch, not charged to any budget; the builder is of no more use. */
  finish(): Batch<'logs'>
}

/**
 * Builds a batch of log records as wire bytes.
 *
 * ```ts
 * const builder = logs({ 'host.name': 'a' }, { name: 'udp_lines' })
 * const batch = builder.record({ time, severity: 9, body: 'Listening on port 80' }).finish()
 * ```
 */
export function logs(resource: Attributes, scope: ScopeFields = {}): LogsBuilder {
  const request = new Request('logs', resource, scope)
  const builder: LogsBuilder = {
    resource(attributes, fields = {}, scope = {}) {
      request.resource(attributes, fields, scope)
      return builder
    },
    scope(scope) {
      request.scope(scope)
      return builder
    },
    record(fields) {
      request.record(writeRecord, fields)
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

function writeRecord(writer: WireWriter, fields: LogFields): void {
  writer.open(RECORDS)
  if (fields.time) writer.fixed64(1, fields.time)
  if (fields.severity) writer.int(2, fields.severity)
  if (fields.severityText) writer.string(3, fields.severityText)
  if (fields.body !== undefined) writeValue(writer, 5, fields.body)
  if (fields.attributes !== undefined) writeAttributes(writer, 6, fields.attributes)
  if (fields.droppedAttributes) writer.int(7, fields.droppedAttributes)
  if (fields.flags) writer.fixed32(8, fields.flags)
  writeTraceId(writer, 9, fields.traceId)
  writeSpanId(writer, 10, fields.spanId)
  if (fields.observedTime) writer.fixed64(11, fields.observedTime)
  if (fields.eventName) writer.string(12, fields.eventName)
  writer.close()
}
