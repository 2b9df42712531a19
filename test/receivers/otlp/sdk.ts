import { createRequire } from 'node:module'

/** OpenTelemetry's own SDK and exporters, which come with `@opentelemetry/sdk-node`: clients that know nothing of Telegen. */
const own = createRequire(import.meta.url)
const require = createRequire(own.resolve('@opentelemetry/sdk-node'))
const load = (name: string) => require(`@opentelemetry/${name}`) as Record<string, new (options?: object) => never>

interface Flushable {
  forceFlush(): Promise<void>
  shutdown(): Promise<void>
}

interface Tracing extends Flushable {
  getTracer(name: string): { startSpan(name: string): { setAttribute(key: string, value: unknown): void; end(): void } }
}

interface Logging extends Flushable {
  getLogger(name: string): { emit(record: object): void }
}

interface Metering extends Flushable {
  getMeter(name: string): { createCounter(name: string): { add(value: number, attributes?: object): void } }
}

/** As its packages are called: `proto` is protobuf over HTTP, `http` is JSON over HTTP. */
export type Protocol = 'grpc' | 'proto' | 'http'

/** `exporter`: options as the SDK's exporters take them. */
export function sdk(protocol: Protocol, exporter: object) {
  const made = (signal: string, name: string) => new (load(`exporter-${signal}-otlp-${protocol}`)[name]!)(exporter)
  const url = (path: string) => ({ url: `${(exporter as { url: string }).url}${path}` })
  const make = (signal: string, name: string, path: string) =>
    protocol === 'grpc'
      ? made(signal, name)
      : new (load(`exporter-${signal}-otlp-${protocol}`)[name]!)({ ...exporter, ...url(path) })
  const { TracerProvider, BatchSpanProcessor } = load('sdk-trace')
  const { LoggerProvider, BatchLogRecordProcessor } = load('sdk-logs')
  const { MeterProvider, PeriodicExportingMetricReader } = load('sdk-metrics')
  const tracing = () =>
    new TracerProvider!({
      spanProcessors: [new BatchSpanProcessor!({ exporter: make('trace', 'OTLPTraceExporter', '/v1/traces') })],
    }) as Tracing
  const logging = () => {
    const options = { exporter: make('logs', 'OTLPLogExporter', '/v1/logs') }
    return new LoggerProvider!({ processors: [new BatchLogRecordProcessor!(options)] }) as Logging
  }
  const metering = () => {
    const options = { exporter: make('metrics', 'OTLPMetricExporter', '/v1/metrics'), exportIntervalMillis: 3_600_000 }
    return new MeterProvider!({ readers: [new PeriodicExportingMetricReader!(options)] }) as Metering
  }
  return { tracing, logging, metering }
}
