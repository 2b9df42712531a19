/**
 * A program instrumented with the OpenTelemetry SDK for JavaScript. Sends traces, metrics and logs to OTLP_ENDPOINT by OTLP_PROTOCOL (`grpc` or
 * `http`), and prints what the SDK itself says it exported, in the SDK's own OTLP/JSON, as one JSON array on standard output.
 */
import { context, logs, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPLogExporter as LogsGrpc } from '@opentelemetry/exporter-logs-otlp-grpc'
import { OTLPLogExporter as LogsHttp } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPMetricExporter as MetricsGrpc } from '@opentelemetry/exporter-metrics-otlp-grpc'
import { OTLPMetricExporter as MetricsHttp } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter as TracesGrpc } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as TracesHttp } from '@opentelemetry/exporter-trace-otlp-proto'
import { JsonLogsSerializer, JsonMetricsSerializer, JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import { BatchLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace'

const endpoint = process.env['OTLP_ENDPOINT'] as string
const grpc = process.env['OTLP_PROTOCOL'] === 'grpc'
const url = (path: string) => ({ url: grpc ? endpoint : `${endpoint}${path}` })

const exported: unknown[] = []
let failures = 0

/** The same exporter, with a note of what went through it. */
function noted<E extends { export(items: never, done: (result: { code: number; error?: Error }) => void): void }>(
  exporter: E,
  serializer: { serializeRequest(items: never): Uint8Array | undefined },
): E {
  const send = exporter.export.bind(exporter)
  exporter.export = (items, done) => {
    exported.push(JSON.parse(Buffer.from(serializer.serializeRequest(items) as Uint8Array).toString()))
    send(items, (result) => {
      if (result.code !== 0) {
        failures++
        console.error(result.error)
      }
      done(result)
    })
  }
  return exporter
}

const sdk = new NodeSDK({
  serviceName: 'checkout',
  spanProcessors: [
    new BatchSpanProcessor({
      exporter: noted(grpc ? new TracesGrpc(url('')) : new TracesHttp(url('/v1/traces')), JsonTraceSerializer),
      maxExportBatchSize: 40,
    }),
  ],
  logRecordProcessors: [
    new BatchLogRecordProcessor({
      exporter: noted(grpc ? new LogsGrpc(url('')) : new LogsHttp(url('/v1/logs')), JsonLogsSerializer),
    }),
  ],
  metricReaders: [
    new PeriodicExportingMetricReader({
      exporter: noted(grpc ? new MetricsGrpc(url('')) : new MetricsHttp(url('/v1/metrics')), JsonMetricsSerializer),
      exportIntervalMillis: 3_600_000,
    }),
  ],
})
sdk.start()

const tracer = trace.getTracer('shop', '1.2.3')
const meter = metrics.getMeter('shop', '1.2.3')
const logger = logs.getLogger('shop', '1.2.3')
const orders = meter.createCounter('orders', { unit: '{order}', description: 'Orders taken.' })
const load = meter.createObservableGauge('load')
load.addCallback((result) => result.observe(0.25, { core: 1 }))
const active = meter.createUpDownCounter('active')
const duration = meter.createHistogram('duration', { unit: 's' })

for (let number = 0; number < 100; number++) {
  const parent = tracer.startSpan('GET /cart/{id}', {
    kind: SpanKind.SERVER,
    attributes: { 'http.route': '/cart/{id}', number },
  })
  const inParent = trace.setSpan(context.active(), parent)
  const child = tracer.startSpan(
    'select',
    {
      kind: SpanKind.CLIENT,
      attributes: { 'db.tables': ['cart', 'item'], ratio: number / 3, ok: number % 2 === 0 },
      links: [{ context: parent.spanContext(), attributes: { why: 'test' } }],
    },
    inParent,
  )
  child.addEvent('retry', { attempt: number })
  if (number % 10 === 0) child.setStatus({ code: SpanStatusCode.ERROR, message: 'no such cart ☹' })
  logger.emit({
    severityNumber: 9,
    severityText: 'INFO',
    body: number % 2 ? `cart ${number}` : { cart: number, items: ['a', 1, true] },
    attributes: { 'user.id': `u${number}` },
    context: inParent,
    eventName: 'cart.opened',
  })
  child.end()
  parent.end()
  orders.add(1, { region: number % 2 ? 'eu' : 'us' })
  active.add(number % 3 ? 1 : -1)
  duration.record(number / 100)
}

await sdk.shutdown()
process.stdout.write(JSON.stringify(exported), () => process.exit(failures > 0 ? 1 : 0))
