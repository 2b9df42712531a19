import type { Context } from '../component/context.ts'
import { UNKNOWN_ORIGIN } from '../component/delivery.ts'
import { rootDelivery } from '../component/delivery-node.ts'
import type { Exporter, ExporterDefinition } from '../component/definition.ts'
import type { Batch } from '../data/batch.ts'
import { decode } from '../config/decode/decode.ts'
import { spot } from '../config/decode/spot.ts'
import { written } from '../config/node.ts'
import { wholeSource } from '../config/place.ts'
import type { OtlpMetricExporter } from '../config/telemetry.ts'
import { Metrics } from '../graph/metrics.ts'
import { Sender } from '../sending/sender.ts'
import type { ReaderContext } from './reader.ts'

/** Waits between tries within one interval, in milliseconds. */
const RETRY = {
  enabled: true,
  initial_interval: 1_000,
  randomization_factor: 0.5,
  multiplier: 1.5,
  max_interval: 5_000,
}

export interface OtlpSink {
  /** Takes over the batch. Rejects with the `Refused` where it did not arrive, after twice the timeout at most. */
  send(batch: Batch<'metrics'>): Promise<void>
  stop(deadline: AbortSignal): Promise<void>
}

/**
 * Telegen's own OTLP exporters with what stands before them, outside every pipeline: what they do for this is not counted, or
 * telling the metrics would change them.
 */
export async function otlpSink(to: OtlpMetricExporter, timeout: number, context: ReaderContext): Promise<OtlpSink> {
  const { clock } = context.own.options
  const type = to.protocol === 'grpc' ? 'otlp_grpc' : 'otlp_http'
  const id = `${type}/own-metrics`
  const definition = (await context.catalog.find('exporter', type)?.load()) as ExporterDefinition | undefined
  if (definition === undefined) throw new Error(`there is no exporter "${type}" to send own metrics with`)
  const config = configOf(definition, to.protocol === 'grpc' ? grpcConfig(to) : httpConfig(to))
  const meter = new Metrics('none')
  const status: Context['status'] = { ok() {}, recoverable() {}, permanent() {} }
  const extension = () => {
    throw new Error('own metrics are sent without extensions')
  }
  const { log } = context
  const exporter: Exporter = definition.create({
    id,
    config,
    log,
    meter,
    clock,
    status,
    extension,
    signals: ['metrics'],
  })
  await exporter.start?.()
  const sender = new Sender({
    id,
    signal: 'metrics',
    exporter,
    sending: { timeout, queue: undefined, retry: { ...RETRY, max_elapsed_time: timeout } },
    share: Infinity,
    clock,
    log,
    meter,
    status,
    onDropped: (items, _, reason) => log.warn({ items, reason }, 'Metrics of Telegen itself were rejected'),
  })
  await sender.start()
  return {
    async send(batch) {
      const delivery = rootDelivery(batch, UNKNOWN_ORIGIN, { acknowledge: 'delivered', ended() {}, lost() {} })
      const arrived = delivery.reached('delivered')
      sender.take(delivery)
      await arrived
    },
    async stop(deadline) {
      await sender.stop(deadline)
      await exporter.stop?.(deadline)
    },
  }
}

/** Through the exporter's own options, as if they had been written under `exporters`. */
function configOf(definition: ExporterDefinition, options: object): unknown {
  const at = spot('service::telemetry::metrics::readers')
  const config = decode(definition.config, written(options, wholeSource('')), at)
  const faults = [...at.faults, ...(at.faults.length === 0 ? (definition.check?.(config) ?? []) : [])]
  if (faults.length > 0) throw new Error(faults.map(({ message }) => message).join('; '))
  return config
}

function grpcConfig(to: OtlpMetricExporter): object {
  const { host } = new URL(to.endpoint)
  return { endpoint: host, compression: to.compression, headers: headersOf(to), tls: tlsOf(to) }
}

/** A path is taken as it is; without one, it is the signal's. */
function httpConfig(to: OtlpMetricExporter): object {
  const url = new URL(to.endpoint)
  if (url.pathname === '/') url.pathname = '/v1/metrics'
  return {
    metrics_endpoint: url.href,
    compression: to.compression,
    headers: headersOf(to),
    encoding: to.protocol === 'http/json' ? 'json' : 'proto',
    tls: tlsOf(to),
  }
}

const headersOf = ({ headers }: OtlpMetricExporter): object =>
  Object.fromEntries([...headers].map(([name, value]) => [name, value.reveal()]))

const tlsOf = ({ insecure, certificate, clientKey, clientCertificate }: OtlpMetricExporter): object => ({
  insecure,
  ...(certificate !== undefined && { ca_file: certificate }),
  ...(clientKey !== undefined && { key_file: clientKey }),
  ...(clientCertificate !== undefined && { cert_file: clientCertificate }),
})
