import type { Signal } from '../signal.ts'
import { PROFILE_ROWS } from './profile-rows.ts'
import {
  choice,
  embedded,
  every,
  index,
  list,
  one,
  oneof,
  optional,
  type Row,
  type Scalar,
  type TableName,
} from './row.ts'

export type { Scalar, TableName } from './row.ts'

/**
 * The messages of OTLP 1.11 (`opentelemetry/proto/{common,resource,trace,metrics,logs}/v1/*.proto`,
 * `opentelemetry/proto/profiles/v1development/*.proto` and the four `collector/…/*_service.proto` requests) as a table.
 * The codec, the validator and everything else that must know a field by number or by name read it from here.
 *
 * Another signal is added by its messages here and its root in `REQUESTS`.
 */

export type MessageName = keyof typeof ROWS

export interface Field {
  readonly number: number
  /** As in the `.proto` file: snake_case. */
  readonly name: string
  /** As in OTLP/JSON: lowerCamelCase. */
  readonly json: string
  readonly repeated: boolean
  /** Whether a default value differs from an absent one: embedded messages, members of a oneof, `optional` fields. */
  readonly presence: boolean
  /** Name of the oneof that the field belongs to. */
  readonly oneof: string | undefined
  /** Set where the field is an embedded message; `scalar` is then undefined, and the other way round. */
  readonly message: MessageName | undefined
  readonly scalar: Scalar | undefined
  /** Names of an enum's values, by number. */
  readonly names: readonly string[] | undefined
  /** Of an index, and of each element of a list of indices: the table of the `ProfilesDictionary` that it points into. */
  readonly table: TableName | undefined
}

export interface Message {
  readonly name: MessageName
  /** In the order of their numbers, which is the canonical order on the wire. */
  readonly fields: readonly Field[]
  /** By field number; undefined for numbers that are not in use. */
  readonly byNumber: readonly (Field | undefined)[]
}

const values = (prefix: string, ...names: readonly string[]): readonly string[] => names.map((name) => prefix + name)
const SPAN_KIND = values('SPAN_KIND_', 'UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER')
const STATUS_CODE = values('STATUS_CODE_', 'UNSET', 'OK', 'ERROR')
const TEMPORALITY = values('AGGREGATION_TEMPORALITY_', 'UNSPECIFIED', 'DELTA', 'CUMULATIVE')
const SEVERITIES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((name) => [
  name,
  `${name}2`,
  `${name}3`,
  `${name}4`,
])
const SEVERITY_NUMBER = values('SEVERITY_NUMBER_', 'UNSPECIFIED', ...SEVERITIES)

const ROWS = {
  // common.proto
  AnyValue: [
    oneof('value', one(1, 'string_value', 'string')),
    oneof('value', one(2, 'bool_value', 'bool')),
    oneof('value', one(3, 'int_value', 'int64')),
    oneof('value', one(4, 'double_value', 'double')),
    oneof('value', embedded(5, 'array_value', 'ArrayValue')),
    oneof('value', embedded(6, 'kvlist_value', 'KeyValueList')),
    oneof('value', one(7, 'bytes_value', 'bytes')),
    oneof('value', index(8, 'string_value_strindex', 'string_table')),
  ],
  ArrayValue: [every(1, 'values', 'AnyValue')],
  KeyValueList: [every(1, 'values', 'KeyValue')],
  KeyValue: [one(1, 'key', 'string'), embedded(2, 'value', 'AnyValue'), index(3, 'key_strindex', 'string_table')],
  InstrumentationScope: [
    one(1, 'name', 'string'),
    one(2, 'version', 'string'),
    every(3, 'attributes', 'KeyValue'),
    one(4, 'dropped_attributes_count', 'uint32'),
  ],
  EntityRef: [
    one(1, 'schema_url', 'string'),
    one(2, 'type', 'string'),
    list(3, 'id_keys', 'string'),
    list(4, 'description_keys', 'string'),
  ],
  // resource.proto
  Resource: [
    every(1, 'attributes', 'KeyValue'),
    one(2, 'dropped_attributes_count', 'uint32'),
    every(3, 'entity_refs', 'EntityRef'),
  ],
  // trace.proto and trace_service.proto
  ExportTraceServiceRequest: [every(1, 'resource_spans', 'ResourceSpans')],
  ResourceSpans: [
    embedded(1, 'resource', 'Resource'),
    every(2, 'scope_spans', 'ScopeSpans'),
    one(3, 'schema_url', 'string'),
  ],
  ScopeSpans: [embedded(1, 'scope', 'InstrumentationScope'), every(2, 'spans', 'Span'), one(3, 'schema_url', 'string')],
  Span: [
    one(1, 'trace_id', 'trace_id'),
    one(2, 'span_id', 'span_id'),
    one(3, 'trace_state', 'string'),
    one(4, 'parent_span_id', 'span_id'),
    one(5, 'name', 'string'),
    choice(6, 'kind', SPAN_KIND),
    one(7, 'start_time_unix_nano', 'fixed64'),
    one(8, 'end_time_unix_nano', 'fixed64'),
    every(9, 'attributes', 'KeyValue'),
    one(10, 'dropped_attributes_count', 'uint32'),
    every(11, 'events', 'SpanEvent'),
    one(12, 'dropped_events_count', 'uint32'),
    every(13, 'links', 'SpanLink'),
    one(14, 'dropped_links_count', 'uint32'),
    embedded(15, 'status', 'Status'),
    one(16, 'flags', 'fixed32'),
  ],
  SpanEvent: [
    one(1, 'time_unix_nano', 'fixed64'),
    one(2, 'name', 'string'),
    every(3, 'attributes', 'KeyValue'),
    one(4, 'dropped_attributes_count', 'uint32'),
  ],
  SpanLink: [
    one(1, 'trace_id', 'trace_id'),
    one(2, 'span_id', 'span_id'),
    one(3, 'trace_state', 'string'),
    every(4, 'attributes', 'KeyValue'),
    one(5, 'dropped_attributes_count', 'uint32'),
    one(6, 'flags', 'fixed32'),
  ],
  Status: [one(2, 'message', 'string'), choice(3, 'code', STATUS_CODE)],
  // metrics.proto and metrics_service.proto
  ExportMetricsServiceRequest: [every(1, 'resource_metrics', 'ResourceMetrics')],
  ResourceMetrics: [
    embedded(1, 'resource', 'Resource'),
    every(2, 'scope_metrics', 'ScopeMetrics'),
    one(3, 'schema_url', 'string'),
  ],
  ScopeMetrics: [
    embedded(1, 'scope', 'InstrumentationScope'),
    every(2, 'metrics', 'Metric'),
    one(3, 'schema_url', 'string'),
  ],
  Metric: [
    one(1, 'name', 'string'),
    one(2, 'description', 'string'),
    one(3, 'unit', 'string'),
    oneof('data', embedded(5, 'gauge', 'Gauge')),
    oneof('data', embedded(7, 'sum', 'Sum')),
    oneof('data', embedded(9, 'histogram', 'Histogram')),
    oneof('data', embedded(10, 'exponential_histogram', 'ExponentialHistogram')),
    oneof('data', embedded(11, 'summary', 'Summary')),
    every(12, 'metadata', 'KeyValue'),
  ],
  Gauge: [every(1, 'data_points', 'NumberDataPoint')],
  Sum: [
    every(1, 'data_points', 'NumberDataPoint'),
    choice(2, 'aggregation_temporality', TEMPORALITY),
    one(3, 'is_monotonic', 'bool'),
  ],
  Histogram: [every(1, 'data_points', 'HistogramDataPoint'), choice(2, 'aggregation_temporality', TEMPORALITY)],
  ExponentialHistogram: [
    every(1, 'data_points', 'ExponentialHistogramDataPoint'),
    choice(2, 'aggregation_temporality', TEMPORALITY),
  ],
  Summary: [every(1, 'data_points', 'SummaryDataPoint')],
  NumberDataPoint: [
    one(2, 'start_time_unix_nano', 'fixed64'),
    one(3, 'time_unix_nano', 'fixed64'),
    oneof('value', one(4, 'as_double', 'double')),
    every(5, 'exemplars', 'Exemplar'),
    oneof('value', one(6, 'as_int', 'sfixed64')),
    every(7, 'attributes', 'KeyValue'),
    one(8, 'flags', 'uint32'),
  ],
  HistogramDataPoint: [
    one(2, 'start_time_unix_nano', 'fixed64'),
    one(3, 'time_unix_nano', 'fixed64'),
    one(4, 'count', 'fixed64'),
    optional(5, 'sum', 'double'),
    list(6, 'bucket_counts', 'fixed64'),
    list(7, 'explicit_bounds', 'double'),
    every(8, 'exemplars', 'Exemplar'),
    every(9, 'attributes', 'KeyValue'),
    one(10, 'flags', 'uint32'),
    optional(11, 'min', 'double'),
    optional(12, 'max', 'double'),
  ],
  ExponentialHistogramDataPoint: [
    every(1, 'attributes', 'KeyValue'),
    one(2, 'start_time_unix_nano', 'fixed64'),
    one(3, 'time_unix_nano', 'fixed64'),
    one(4, 'count', 'fixed64'),
    optional(5, 'sum', 'double'),
    one(6, 'scale', 'sint32'),
    one(7, 'zero_count', 'fixed64'),
    embedded(8, 'positive', 'Buckets'),
    embedded(9, 'negative', 'Buckets'),
    one(10, 'flags', 'uint32'),
    every(11, 'exemplars', 'Exemplar'),
    optional(12, 'min', 'double'),
    optional(13, 'max', 'double'),
    one(14, 'zero_threshold', 'double'),
  ],
  Buckets: [one(1, 'offset', 'sint32'), list(2, 'bucket_counts', 'uint64')],
  SummaryDataPoint: [
    one(2, 'start_time_unix_nano', 'fixed64'),
    one(3, 'time_unix_nano', 'fixed64'),
    one(4, 'count', 'fixed64'),
    one(5, 'sum', 'double'),
    every(6, 'quantile_values', 'ValueAtQuantile'),
    every(7, 'attributes', 'KeyValue'),
    one(8, 'flags', 'uint32'),
  ],
  ValueAtQuantile: [one(1, 'quantile', 'double'), one(2, 'value', 'double')],
  Exemplar: [
    one(2, 'time_unix_nano', 'fixed64'),
    oneof('value', one(3, 'as_double', 'double')),
    one(4, 'span_id', 'span_id'),
    one(5, 'trace_id', 'trace_id'),
    oneof('value', one(6, 'as_int', 'sfixed64')),
    every(7, 'filtered_attributes', 'KeyValue'),
  ],
  // logs.proto and logs_service.proto
  ExportLogsServiceRequest: [every(1, 'resource_logs', 'ResourceLogs')],
  ResourceLogs: [
    embedded(1, 'resource', 'Resource'),
    every(2, 'scope_logs', 'ScopeLogs'),
    one(3, 'schema_url', 'string'),
  ],
  ScopeLogs: [
    embedded(1, 'scope', 'InstrumentationScope'),
    every(2, 'log_records', 'LogRecord'),
    one(3, 'schema_url', 'string'),
  ],
  LogRecord: [
    one(1, 'time_unix_nano', 'fixed64'),
    choice(2, 'severity_number', SEVERITY_NUMBER),
    one(3, 'severity_text', 'string'),
    embedded(5, 'body', 'AnyValue'),
    every(6, 'attributes', 'KeyValue'),
    one(7, 'dropped_attributes_count', 'uint32'),
    one(8, 'flags', 'fixed32'),
    one(9, 'trace_id', 'trace_id'),
    one(10, 'span_id', 'span_id'),
    one(11, 'observed_time_unix_nano', 'fixed64'),
    one(12, 'event_name', 'string'),
  ],
  // profiles.proto and profiles_service.proto
  ...PROFILE_ROWS,
} satisfies Record<string, readonly Row[]>

/** What a request of each signal is, and what its items are: the messages that `Batch.items` counts. */
export const REQUESTS = {
  traces: { request: 'ExportTraceServiceRequest', items: ['Span'] },
  metrics: {
    request: 'ExportMetricsServiceRequest',
    items: ['NumberDataPoint', 'HistogramDataPoint', 'ExponentialHistogramDataPoint', 'SummaryDataPoint'],
  },
  logs: { request: 'ExportLogsServiceRequest', items: ['LogRecord'] },
  profiles: { request: 'ExportProfilesServiceRequest', items: ['Sample'] },
} as const satisfies Record<Signal, { request: MessageName; items: readonly MessageName[] }>

/** A wire type for each scalar, as https://protobuf.dev/programming-guides/encoding/#structure numbers them. */
export const WIRE_TYPES: Readonly<Record<Scalar, 0 | 1 | 2 | 5>> = {
  string: 2,
  bytes: 2,
  trace_id: 2,
  span_id: 2,
  profile_id: 2,
  bool: 0,
  enum: 0,
  int32: 0,
  int64: 0,
  uint32: 0,
  uint64: 0,
  sint32: 0,
  fixed32: 5,
  fixed64: 1,
  sfixed64: 1,
  double: 1,
}

export const MESSAGES: Readonly<Record<MessageName, Message>> = Object.fromEntries(
  Object.entries<readonly Row[]>(ROWS).map(([name, rows]) => [name, message(name as MessageName, rows)]),
) as Record<MessageName, Message>

function message(name: MessageName, rows: readonly Row[]): Message {
  const fields = rows.map(field)
  const byNumber: (Field | undefined)[] = []
  for (const each of fields) byNumber[each.number] = each
  return { name, fields, byNumber: Array.from(byNumber) }
}

function field(row: Row): Field {
  return {
    number: row.number,
    name: row.name,
    json: row.name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    repeated: row.repeated ?? false,
    presence: row.embeds !== undefined || row.oneof !== undefined || row.optional === true,
    oneof: row.oneof,
    message: row.embeds as MessageName | undefined,
    scalar: row.scalar,
    names: row.names,
    table: row.table,
  }
}
