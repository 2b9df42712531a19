import type { MetricLevel } from '../component/meter.ts'
import type { Secret } from '../component/options.ts'

/** `service::telemetry`, decoded: what Telegen tells of itself. */
export interface Telemetry {
  readonly logs: LogTelemetry
  readonly metrics: { readonly level: MetricLevel; readonly readers: readonly MetricReader[] }
  /** Attributes laid over those that Telegen gives itself; null takes one away. */
  readonly resource: Readonly<Record<string, string | null>>
}

export interface LogTelemetry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly encoding: 'console' | 'json'
  /** `stderr`, `stdout`, or paths of files. */
  readonly outputPaths: readonly string[]
  /** On every line. */
  readonly initialFields: Readonly<Record<string, unknown>>
  /** Whether lines in JSON name the resource. */
  readonly resource: boolean
}

export type MetricReader = PrometheusReader | PeriodicReader

export interface PrometheusReader {
  readonly kind: 'prometheus'
  readonly host: string
  readonly port: number
  /** Whether somebody wrote it, or it is the default. */
  readonly written: boolean
  /** Labels `otel_scope_…` on every series. */
  readonly scopeInfo: boolean
  /** Names end in their unit, counters in `_total`. */
  readonly suffixes: boolean
  /** Which attributes of the resource stand on every series: none where undefined, all but the excluded where none is included. */
  readonly resourceLabels: { readonly included: readonly string[]; readonly excluded: readonly string[] } | undefined
}

/** Milliseconds. */
export interface PeriodicReader {
  readonly kind: 'periodic'
  readonly interval: number
  readonly timeout: number
  readonly exporter: { readonly kind: 'console' } | OtlpMetricExporter
}

export interface OtlpMetricExporter {
  readonly kind: 'otlp'
  readonly protocol: (typeof PROTOCOLS)[number]
  /** With its scheme. */
  readonly endpoint: string
  readonly insecure: boolean
  readonly headers: ReadonlyMap<string, Secret>
  readonly compression: (typeof COMPRESSIONS)[number]
  readonly certificate: string | undefined
  readonly clientKey: string | undefined
  readonly clientCertificate: string | undefined
  readonly temporality: (typeof TEMPORALITIES)[number]
}

export const PROTOCOLS = ['grpc', 'http/protobuf', 'http/json'] as const
export const COMPRESSIONS = ['gzip', 'none'] as const
export const TEMPORALITIES = ['cumulative', 'delta', 'lowmemory'] as const
