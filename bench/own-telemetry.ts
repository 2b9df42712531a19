/**
 * What does measuring itself cost at full load, as a share of the CPU time of each batch? An engine whose gate, fused steps,
 * fan-out, queue and exporter take batches as fast as they can, at the levels none, normal and detailed in turn, a scrape of the
 * Prometheus text and what observes the process included. `--quick` takes a third of the rounds, `--small` batches of 16 spans, of
 * which the fixed cost is the larger part.
 */
import type { Batch } from '../src/data/batch.ts'
import { Metrics } from '../src/graph/metrics.ts'
import type { MetricLevel } from '../src/component/meter.ts'
import { traces } from '../src/data/builders/traces.ts'
import { join } from '../src/data/kernels/merge.ts'
import { observeProcess } from '../src/telemetry/process-metrics.ts'
import { prometheusText } from '../src/telemetry/prometheus-text.ts'
import { observeRuntime } from '../src/telemetry/runtime-metrics.ts'
import { TestBed } from '../src/testing.ts'
import { payloads, VARIANTS } from './measure/payloads.ts'

/** `none` twice: what the two differ by is what this machine's other work makes of equal engines. */
const RUNS = [
  { name: 'none', level: 'none' },
  { name: 'none again', level: 'none' },
  { name: 'normal', level: 'normal' },
  { name: 'detailed', level: 'detailed' },
] as const
/** Small batches in many short turns: what they cost is less than what another process does to a long one. */
const EFFORT = { large: { all: 300, window: 30 }, small: { all: 1_500, window: 2 } }
const WARM_UP_MS = 1_500
/** One scrape in so many milliseconds of load: Prometheus's default is a minute, and some ask every 5 s. */
const SCRAPE_MS = 5_000
/** What the project promises, in percent. */
const WANTED = 1

const CONFIG = `
  receivers: { test_source: }
  processors:
    resource: { attributes: [{ key: deployment.environment.name, value: production, action: upsert }] }
    attributes: { actions: [{ key: user_agent.original, action: delete }] }
    memory_limiter: { check_interval: 1s, limit_mib: 100000 }
  exporters: { test_sink: , test_direct: }
  service: { pipelines: { traces: {
    receivers: [test_source], processors: [memory_limiter, resource, attributes], exporters: [test_sink, test_direct] } } }`

interface Engine {
  readonly name: string
  readonly turn: (window: number) => Promise<number>
  readonly end: () => Promise<void>
}

export default async function ownTelemetry(options: readonly string[]): Promise<void> {
  const { all, window } = EFFORT[options.includes('--small') ? 'small' : 'large']
  const rounds = options.includes('--quick') ? all / 3 : all
  const bodies = options.includes('--small') ? small() : payloads('traces').map((batch) => Buffer.concat([join(batch)]))
  const engines = await Promise.all(RUNS.map((run) => engineAt(run, bodies)))
  for (const engine of engines) await engine.turn(WARM_UP_MS)
  const costs = new Map<string, number[]>(engines.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++)
    for (let index = 0; index < engines.length; index++) {
      // Who comes first changes from round to round.
      const engine = engines[(index + round) % engines.length] as Engine
      costs.get(engine.name)?.push(await engine.turn(window))
    }
  const medianOf = (name: string) => median(costs.get(name) ?? [])
  const leastOf = (name: string) => quantile(costs.get(name) ?? [], 0.1)
  const base = medianOf('none')
  const ofRounds = (name: string) =>
    median((costs.get(name) ?? []).map((cost, round) => cost / (costs.get('none') as number[])[round]!))
  console.log(
    `medians of ${rounds} rounds of ${window} ms of CPU time each; Node ${process.version}; batches of ${bodies[0]!.length} bytes`,
  )
  for (const { name } of RUNS) {
    const share = (ofRounds(name) - 1) * 100
    const verdict = name === 'none' ? '' : `${share.toFixed(2)} % more (wanted: under ${WANTED} %)`
    const undisturbed = `${(leastOf(name) * 1_000).toFixed(2)} where a tenth of the turns was faster`
    console.log(
      `${name.padEnd(10)} ${(medianOf(name) * 1_000).toFixed(2).padStart(8)} us a batch, ${undisturbed}  ${verdict}`,
    )
  }
  const scrape = await scrapeCost(bodies)
  console.log(
    `one scrape at detailed: ${scrape.toFixed(2)} ms, ${((scrape / SCRAPE_MS) * 100).toFixed(3)} % where it comes every ${SCRAPE_MS / 1_000} s`,
  )
  if (base === 0) throw new Error('nothing was measured')
  for (const engine of engines) await engine.end()
}

async function engineAt(
  { name, level }: { name: string; level: MetricLevel },
  bodies: readonly Buffer[],
): Promise<Engine> {
  const metrics = new Metrics(level)
  const bed = await TestBed.start(CONFIG, { metrics })
  const forgets = [
    ...(level === 'none' ? [] : [observeProcess(metrics, Date.now())]),
    ...(metrics.shows('normal') ? [observeRuntime(metrics)] : []),
  ]
  const { ingress, stream } = bed.source()
  let next = 0
  const send = async () => {
    const delivery = ingress.admit('traces', bodies[next++ % bodies.length] as Buffer)
    const ended = delivery.reached('delivered')
    stream.next(delivery)
    await ended
  }
  return {
    name,
    /** Milliseconds of CPU time that one batch took. */
    async turn(window) {
      let count = 0
      const began = process.cpuUsage()
      for (const until = performance.now() + window; performance.now() < until; count++) await send()
      const { user, system } = process.cpuUsage(began)
      bed.sent.length = 0
      return (user + system) / 1_000 / count
    },
    async end() {
      forgets.forEach((forget) => forget())
      await bed.stop()
    },
  }
}

async function scrapeCost(bodies: readonly Buffer[]): Promise<number> {
  const metrics = new Metrics()
  const bed = await TestBed.start(CONFIG, { metrics })
  const { ingress, stream } = bed.source()
  const delivery = ingress.admit('traces', bodies[0] as Buffer)
  const ended = delivery.reached('delivered')
  stream.next(delivery)
  await ended
  const began = performance.now()
  const TIMES = 200
  for (let time = 0; time < TIMES; time++)
    prometheusText(metrics.collect(), {}, { suffixes: false, utf8: false, constant: {} })
  const took = (performance.now() - began) / TIMES
  await bed.stop()
  return took
}

const small = (): Buffer[] =>
  Array.from({ length: VARIANTS }, (_, variant) => {
    const builder = traces({ 'service.name': 'shop' })
    for (let index = 0; index < 16; index++)
      builder.span({
        traceId: `${variant}${index}`.padStart(32, '1'),
        spanId: `${index}`.padStart(16, '1'),
        name: 'GET /',
        start: 1n,
        end: 2n,
        attributes: { 'http.request.method': 'GET', 'user_agent.original': 'curl' },
      })
    const batch: Batch = builder.finish()
    return Buffer.concat(batch.segments())
  })

const median = (values: readonly number[]): number => quantile(values, 0.5)

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length * share)] ?? 0
