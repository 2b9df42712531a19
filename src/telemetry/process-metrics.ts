import { getHeapStatistics } from 'node:v8'
import type { Forget, InstrumentOptions, Meter } from '../component/meter.ts'

/**
 * The Collector's metrics of its process, by its names. What Go's runtime tells and V8 does not is left out: the bytes ever
 * allocated are there where this Node counts them (26 does).
 */
export function observeProcess(meter: Meter, startTime: number): Forget {
  const options = { unit: 's', value: 'double', description: 'Uptime of the process.' } as const
  const forgets = [
    meter.observableCounter('otelcol_process_uptime', options, () => (Date.now() - startTime) / 1_000),
    observeCost(meter),
  ]
  return () => forgets.forEach((forget) => forget())
}

/** What of it adds up over several processes. */
export function observeCost(meter: Meter): Forget {
  const forgets: Forget[] = []
  const counter = (name: string, options: InstrumentOptions, read: () => number) =>
    forgets.push(meter.observableCounter(`otelcol_process_${name}`, options, read))
  const bytes = (name: string, description: string, read: () => number) =>
    forgets.push(meter.gauge(`otelcol_process_${name}`, { unit: 'By', description }, read))

  counter('cpu_seconds', { unit: 's', value: 'double', description: 'CPU time, user and system, in seconds.' }, () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000_000
  })
  bytes('memory_rss', 'Physical memory in use (resident set size).', () => process.memoryUsage.rss())
  bytes('runtime_heap_alloc_bytes', "Bytes of objects on V8's heap.", () => process.memoryUsage().heapUsed)
  bytes(
    'runtime_total_sys_memory_bytes',
    "Bytes that V8's heap has taken of the system, and buffers beside it.",
    () => {
      const { heapTotal, external } = process.memoryUsage()
      return heapTotal + external
    },
  )
  if (allocatedBytes() !== undefined) {
    const options = { unit: 'By', description: "Bytes that were ever allocated on V8's heap." }
    counter('runtime_total_alloc_bytes', options, () => allocatedBytes() ?? NaN)
  }
  return () => forgets.forEach((forget) => forget())
}

const allocatedBytes = (): number | undefined =>
  (getHeapStatistics() as { readonly total_allocated_bytes?: number }).total_allocated_bytes
