/**
 * Everything that a component may use: the contract of receivers, processors, connectors, exporters and extensions. Built-in
 * components import this file and nothing else of Telegen; a plugin imports the same as `telegen/plugin`.
 *
 * ```ts
 * export default defineProcessor({
 *   type: 'mark',
 *   summary: 'Adds an attribute to every span.',
 *   stability: { traces: 'alpha' },
 *   config: Options({ value: Type.String({ default: 'yes', description: 'What the attribute says.' }) }),
 *   create: ({ config }) => ({
 *     steps: [{ on: 'span', act: { kind: 'upsert', path: { attribute: 'marked' }, source: { value: config.value } } }],
 *   }),
 * })
 * ```
 */
export { Accumulator } from './component/accumulator.ts'
export type { AccumulatorOptions, SendCause } from './component/accumulator.ts'
export * from './component/attribute-actions.ts'
export { attributeValue, unfitFor } from './component/attribute-value.ts'
export * from './component/authentication.ts'
export * from './component/capability.ts'
export * from './component/clock.ts'
export * from './component/compose.ts'
export * from './component/context.ts'
export * from './component/control.ts'
export * from './component/credentials-file.ts'
export * from './component/definition.ts'
export * from './component/delivery.ts'
export * from './component/ingress.ts'
export {
  attributesAre,
  included,
  logCondition,
  metricCondition,
  severityIs,
  spanCondition,
  textIs,
} from './component/match-condition.ts'
export * from './component/meter.ts'
export * from './component/options.ts'
export { pattern, patternFault } from './component/pattern.ts'
export * from './component/poll.ts'
export * from './component/process-feed.ts'
export * from './component/receive.ts'
export * from './component/record-match.ts'
export * from './component/refused.ts'
export * from './component/request-limiting.ts'
export { senderValue } from './component/sender-value.ts'
export * from './component/sending-options.ts'
export * from './component/status.ts'
export { Storage } from './component/storage.ts'
export type {
  LostRecords,
  OnRecordsLost,
  ReadRecord,
  StoredKey,
  StoredQueue,
  StoredValue,
} from './component/storage.ts'
export * from './data/batch.ts'
export { compact, merge as mergeBatches, join } from './data/kernels/merge.ts'
export { split as splitBatch } from './data/kernels/split.ts'
export type { SplitLimits } from './data/kernels/split.ts'
export { dictionaryOf, resourcesOf, tally } from './data/kernels/tally.ts'
export { hashThreshold, thresholdOf } from './data/sampling/bits.ts'
export type { Mode as SamplingMode } from './data/sampling/decision.ts'
export { fromObject } from './data/codec/from-object.ts'
export { MalformedObject } from './data/codec/json.ts'
export type { JsonObject, JsonValue } from './data/codec/json.ts'
export { toObject } from './data/codec/to-object.ts'
export { fromJson } from './data/json/from-json.ts'
export type { Wire } from './data/json/from-json.ts'
export { MalformedJson } from './data/json/malformed-json.ts'
export { toJson } from './data/json/to-json.ts'
export type { Json } from './data/json/to-json.ts'
export { Malformed } from './data/wire/malformed.ts'
export { EncodedAttributes } from './data/builders/attributes.ts'
export type { Attributes } from './data/builders/attributes.ts'
export { logs } from './data/builders/logs.ts'
export type { LogFields, LogsBuilder } from './data/builders/logs.ts'
export { metrics } from './data/builders/metrics.ts'
export type {
  HistogramOptions,
  Metric,
  MetricOptions,
  MetricsBuilder,
  NumberOptions,
  SumOptions,
  Temporality,
} from './data/builders/metrics.ts'
export type {
  Buckets,
  ExemplarFields,
  ExponentialHistogramPoint,
  HistogramPoint,
  PointOptions,
  SummaryPoint,
  Times,
} from './data/builders/points.ts'
export type {
  DictionaryBuilder,
  EntryAttributes,
  EntryIndex,
  FunctionFields,
  LineFields,
  LocationFields,
  MappingFields,
} from './data/builders/dictionary.ts'
export type { Identifier } from './data/builders/identifiers.ts'
export { profiles } from './data/builders/profiles.ts'
export type { Profile, ProfileFields, ProfilesBuilder, SampleFields } from './data/builders/profiles.ts'
export type { ResourceFields, ScopeFields } from './data/builders/request.ts'
export { traces } from './data/builders/traces.ts'
export type { SpanEventFields, SpanFields, SpanLinkFields, TracesBuilder } from './data/builders/traces.ts'
export { Overdrawn } from './data/memory/byte-budget.ts'
export type { Slab } from './data/memory/slab.ts'
export * from './data/signal.ts'
export { compile as compileSteps } from './data/steps/compile.ts'
export type { Program } from './data/steps/program.ts'
export { run as runSteps } from './data/steps/runner.ts'
export * from './data/steps/step.ts'
export type { RecordView, AttributesView } from './data/views/record-view.ts'
export type { DataPoint as DataPointView, PointKind } from './data/views/data-point.ts'
export type { Exemplar as ExemplarView } from './data/views/exemplar.ts'
export { hook } from './data/views/hook.ts'
export type { LogRecord as LogRecordView } from './data/views/log-record.ts'
export type { Metric as MetricView } from './data/views/metric.ts'
export type { MetricDescription, MetricType } from './data/views/metric-description.ts'
export type { Profile as ProfileView, ValueType } from './data/views/profile.ts'
export { dataPoints, logRecords, records, samples, spans } from './data/views/records.ts'
export type { ViewOf } from './data/views/records.ts'
export type { Resource as ResourceView } from './data/views/resource.ts'
export type { Sample as SampleView } from './data/views/sample.ts'
export type { Scope as ScopeView } from './data/views/scope.ts'
export type { Span as SpanView } from './data/views/span.ts'
export type { SpanEvent as SpanEventView } from './data/views/span-event.ts'
export type { SpanLink as SpanLinkView } from './data/views/span-link.ts'
export type { Frame, Line, SampleLink } from './data/views/stack.ts'
export { httpServerAuth } from './transport/auth-options.ts'
export { admission } from './transport/admission.ts'
export type { Admission } from './transport/admission.ts'
export * from './transport/grpc.ts'
export type * from './transport/unary.ts'
export * from './transport/grpc-client-options.ts'
export * from './transport/grpc-server-options.ts'
export * from './transport/http.ts'
export type * from './transport/http-exchange.ts'
export { checkHttpClient, checkUrl, httpClientOptions } from './transport/http-client-options.ts'
export type { HttpClientOptions } from './transport/http-client-options.ts'
export * from './transport/http-server-options.ts'
export { listenAddress, listens } from './transport/address.ts'
export type { ListenAddress } from './transport/address.ts'
export { listen } from './transport/listen.ts'
export type { Listening } from './transport/listen.ts'
export { limiterOf } from './transport/middleware-options.ts'
export * from './transport/option-faults.ts'
export * from './transport/otlp-paths.ts'
export * from './transport/partial-success.ts'
export { proxyFor } from './transport/proxy.ts'
export * from './transport/retry-after.ts'
export { encodeRpcStatus, decodeRpcStatus, parseRpcStatusJson, rpcStatusJson } from './transport/rpc-status.ts'
export type { RpcStatus } from './transport/rpc-status.ts'
export * from './transport/statuses.ts'
export { checkServerTls, serverTls } from './transport/tls-options.ts'
export { inspectTls } from './transport/tls-inspection.ts'

/** The stream that a receiver makes: the running copy of RxJS, so that a plugin needs none of its own. */
export { Observable } from 'rxjs'
export type { OperatorFunction } from 'rxjs'
