import type { Metrics } from '../../src/graph/metrics.ts'
import { ReloadMetrics } from '../../src/service/reload-metrics.ts'
import { observeProcess } from '../../src/telemetry/process-metrics.ts'
import { observeRuntime } from '../../src/telemetry/runtime-metrics.ts'
import { TestBed } from '../../src/testing.ts'
import { freePorts } from '../free-ports.ts'

/** Everything that is measured of an engine in which everything has happened once, with what the process and Node tell. */
export async function measuredEngine(): Promise<{ readonly metrics: Metrics; readonly end: () => Promise<void> }> {
  const [http, dead] = (await freePorts(2)) as [number, number]
  const bed = await TestBed.start(`
    receivers:
      otlp: { protocols: { http: { endpoint: "127.0.0.1:${http}" } } }
      hostmetrics: { collection_interval: 1s, initial_delay: 1ms, scrapers: { cpu: , load: } }
      telegen: { collection_interval: 1s, initial_delay: 1ms }
      test_source:
    processors:
      memory_limiter: { check_interval: 1s, limit_mib: 100000 }
      batch: { timeout: 1ms }
      batch/full: { send_batch_size: 1, timeout: 0s }
    exporters:
      debug: { verbosity: basic }
      otlp/down: { endpoint: "127.0.0.1:${dead}", tls: { insecure: true }, retry_on_failure: { enabled: false } }
      test_sink: { sending_queue: { queue_size: 1, sizer: requests, num_consumers: 1, on_full: drop_oldest } }
    service:
      pipelines:
        traces: { receivers: [otlp], processors: [memory_limiter, batch], exporters: [debug, otlp/down] }
        metrics: { receivers: [hostmetrics, telegen], exporters: [debug] }
        logs: { receivers: [test_source], processors: [batch/full], exporters: [test_sink] }`)
  const { metrics } = bed
  const reloads = new ReloadMetrics(metrics, Date.now())
  reloads.ended('reloaded', Date.now())
  const forgets = [observeProcess(metrics, Date.now() - 1_000), observeRuntime(metrics), () => reloads.forget()]
  await fetch(`http://127.0.0.1:${http}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: SPAN,
  })
  let release = () => {}
  bed.onSend = () => new Promise<void>((resolve) => (release = resolve))
  for (let count = 0; count < 3; count++)
    await bed.send('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [{}] }] }] })
  bed.onSend = undefined
  release()
  globalThis.gc?.()
  const has = (name: string) => metrics.total(name) > 0
  const awaited = [
    'otelcol_exporter_send_failed_spans',
    'otelcol_scraper_scraped_metric_points',
    'nodejs.eventloop.delay.mean',
  ]
  for (const name of awaited) await bed.until(() => has(name), name)
  await bed.until(() => metrics.total('otelcol_scraper_scraped_metric_points', { receiver: 'telegen' }) > 0, 'telegen')
  return {
    metrics,
    async end() {
      forgets.forEach((forget) => forget())
      await bed.stop()
    },
  }
}

/** An `ExportTraceServiceRequest` with one span without fields. */
const SPAN = Buffer.from([0x0a, 0x04, 0x12, 0x02, 0x12, 0x00])
