import { freePort } from '../../test/free-ports.ts'
import { memory } from './accounting.ts'
import type { Signal } from './item-numbers.ts'
import { LoadProcess } from './load-process.ts'
import { type Program, Running } from './programs.ts'
import { SIGNALS } from './scenario.ts'
import type { Ports, Window } from './station.ts'

/** What the project promises that one process carries. */
export const ITEMS_A_SECOND: Readonly<Record<Signal, number>> = { traces: 10_000, metrics: 100_000, logs: 50_000 }
/** As batches of SDKs on hosts of middling load are. */
export const ITEMS_A_REQUEST = 100

const WARM_UP_MS = 10_000
const SAMPLE_MS = 1_000
const LOAD = { connections: 8, each: 8, prepared: 256 }

export interface Carried {
  readonly name: string
  readonly minutes: number
  readonly windows: Readonly<Record<Signal, Window>>
  /** Of one core, over all of the time. */
  readonly cores: number
  readonly peakBytes: number
  /** The median of what was in memory each second. */
  readonly usualBytes: number
}

export interface Carriage {
  readonly minutes: number
  readonly cores: readonly [program: number, load: number]
  readonly folder: string
}

/** All signals at their rates for so many minutes. */
export async function carry(program: Program, { minutes, cores, folder }: Carriage): Promise<Carried> {
  const load = new LoadProcess(cores[1])
  const input = await freePort()
  const ports: Ports[] = []
  for (const _ of SIGNALS) ports.push({ input, output: await freePort() })
  const posts = SIGNALS.map((signal, index) => ({ scenario: scenario(signal), ports: ports[index]!, load: LOAD }))
  await load.ask({ ask: 'open', posts })
  const running = await Running.start(program, configuration(ports), folder, cores[0])
  const sizes: number[] = []
  const sampling = setInterval(() => sizes.push(memory(running.pid).now), SAMPLE_MS)
  try {
    const at = SIGNALS.map((signal, target) => ({ target, rate: ITEMS_A_SECOND[signal] / ITEMS_A_REQUEST }))
    await load.ask({ ask: 'window', pid: running.pid, ms: WARM_UP_MS, at })
    const { windows } = await load.ask({ ask: 'window', pid: running.pid, ms: minutes * 60_000, at })
    const [traces, metrics, logs] = windows as [Window, Window, Window]
    return {
      name: program.name,
      minutes,
      windows: { traces, metrics, logs },
      // Each window looked at the same process.
      cores: metrics.cpuMs / metrics.wallMs,
      peakBytes: memory(running.pid).peak,
      usualBytes: sizes.toSorted((left, right) => left - right)[sizes.length >> 1] ?? 0,
    }
  } finally {
    clearInterval(sampling)
    const fault = await running.stop()
    if (fault !== undefined) console.error(fault)
    load.end()
  }
}

const scenario = (signal: Signal) =>
  ({ protocol: 'grpc', work: 'pass', items: ITEMS_A_REQUEST, signal, gzip: false, batch: true }) as const

function configuration(ports: readonly Ports[]): string {
  const exporters = SIGNALS.map(
    (signal, index) =>
      `  otlp_grpc/${signal}: { endpoint: 'http://127.0.0.1:${ports[index]!.output}', compression: none, tls: { insecure: true } }`,
  )
  const pipelines = SIGNALS.map(
    (signal) =>
      `    ${signal}: { receivers: [otlp], processors: [resourcedetection, attributes, batch], exporters: [otlp_grpc/${signal}] }`,
  )
  return `
receivers:
  otlp: { protocols: { grpc: { endpoint: 127.0.0.1:${ports[0]!.input} } } }
processors:
  resourcedetection: { detectors: [env, system], override: false, system: { hostname_sources: [os] } }
  attributes: { actions: [{ key: app.pipeline, value: default, action: insert }] }
  batch:
exporters:
${exporters.join('\n')}
service:
  telemetry: { metrics: { level: none } }
  pipelines:
${pipelines.join('\n')}
`
}
