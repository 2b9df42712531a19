/**
 * What does the engine add to a request on its way, in microseconds of CPU? A whole graph made from YAML, with the intake of the
 * `otlp` receiver instead of its sockets, and exporters whose `send` ends at once or after a turn of the event loop. Each variant has
 * one part more than the one before; the first is what memory and counting take without any engine. All take turns in short
 * windows, and what counts is the median of the rounds. `--quick` takes a third of them, `--small` leaves the large
 * requests out, and `--only=queue` takes the variants whose name says so, beside the first.
 */
import { setImmediate as immediate } from 'node:timers/promises'
import { Cancellation } from '../src/component/cancellation.ts'
import { defineExporter, defineReceiver } from '../src/component/definition.ts'
import { UNKNOWN_ORIGIN } from '../src/component/delivery.ts'
import { Options, Type } from '../src/component/options.ts'
import { receive } from '../src/component/receive.ts'
import { sendingOptions } from '../src/component/sending-options.ts'
import { batchOfSlab } from '../src/data/batch.ts'
import { traces } from '../src/data/builders/traces.ts'
import { join } from '../src/data/kernels/merge.ts'
import { count } from '../src/data/kernels/count.ts'
import { slabs } from '../src/data/memory/slab-pool.ts'
import { Metrics } from '../src/graph/metrics.ts'
import { otlpMethod } from '../src/receivers/otlp/grpc.ts'
import { Intake } from '../src/receivers/otlp/intake.ts'
import { TestBed } from '../src/testing.ts'
import type { SlabMethod, UnaryCall } from '../src/transport/unary.ts'
import { payloads, VARIANTS } from './measure/payloads.ts'

/** Requests that come in one turn of the event loop, as over a few busy connections. */
const AT_ONCE = 8
const WARM_UP_MS = 700
const ROUNDS = 45
const WINDOW_MS = 40

const STABILITY = { traces: 'development' } as const

interface Variant {
  readonly name: string
  readonly exporter?: string
  readonly processors?: string
}

const NO_QUEUE = 'sending_queue: { enabled: false }'
const CHAIN = `
    resource: { attributes: [{ key: deployment.environment.name, value: production, action: insert }] }
    attributes: { actions: [{ key: cluster, value: blue, action: insert }] }
    filter: { spans: { exclude: { match_type: strict, span_names: [GET /health] } } }
    probabilistic_sampler: { sampling_percentage: 50 }`

const VARIANTS_OF: readonly Variant[] = [
  { name: 'memory and counting alone' },
  { name: 'pass, exporter without sending', exporter: 'bench_direct: ' },
  { name: 'pass, retry and timeout', exporter: `bench_sink: { ${NO_QUEUE} }` },
  { name: 'pass, queue', exporter: 'bench_sink: ' },
  { name: 'pass, retry, ends a turn later', exporter: `bench_sink: { later: true, ${NO_QUEUE} }` },
  { name: 'pass, queue, ends a turn later', exporter: 'bench_sink: { later: true }' },
  { name: 'chain of four, retry', exporter: `bench_sink: { ${NO_QUEUE} }`, processors: CHAIN },
  { name: 'chain of four, queue', exporter: 'bench_sink: ', processors: CHAIN },
  { name: 'batch, queue', exporter: 'bench_sink: ', processors: '\n    batch: { timeout: 5ms }' },
]

interface Target {
  readonly name: string
  /** Sends `AT_ONCE` requests and waits for their answers. */
  readonly turn: () => Promise<void>
  /** Whether something is still on its way. */
  readonly isBusy: () => boolean
  readonly end: () => Promise<void>
}

export default async function delivery(options: readonly string[]): Promise<void> {
  const rounds = options.includes('--quick') ? ROUNDS / 3 : ROUNDS
  const only = options.find((option) => option.startsWith('--only='))?.slice('--only='.length) ?? ''
  const variants = VARIANTS_OF.filter(({ name, exporter }) => !exporter || name.includes(only))
  const sizes = options.includes('--small') ? [10] : [10, 512]
  for (const spans of sizes) {
    const bodies = bodiesOf(spans)
    const targets: Target[] = []
    for (const variant of variants) targets.push(await start(variant, bodies))
    for (const target of targets) await window(target, WARM_UP_MS)
    const costs = targets.map((): number[] => [])
    for (let round = 0; round < rounds; round++)
      for (let turn = 0; turn < targets.length; turn++) {
        // Who comes first changes from round to round.
        const index = (turn + round) % targets.length
        costs[index]?.push(await window(targets[index] as Target, WINDOW_MS))
      }
    console.log(`requests of ${spans} spans, ${bodies[0]?.length} bytes; Node ${process.version}; us of CPU a request`)
    for (const [index, { name }] of targets.entries()) {
      const sorted = (costs[index] ?? []).toSorted((left, right) => left - right)
      const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? NaN).toFixed(2).padStart(8)
      console.log(`${name.padEnd(34)} ${at(0.5)}   a tenth of the rounds below ${at(0.1)}`)
    }
    for (const target of targets) await target.end()
  }
}

/** Microseconds of CPU that one request took, of all threads. */
async function window({ turn, isBusy }: Target, length: number): Promise<number> {
  let sent = 0
  const began = process.cpuUsage()
  for (const until = performance.now() + length; performance.now() < until; sent += AT_ONCE) {
    await turn()
    await immediate()
  }
  while (isBusy()) await immediate()
  const { user, system } = process.cpuUsage(began)
  return (user + system) / sent
}

async function start({ name, exporter, processors }: Variant, bodies: readonly Buffer[]): Promise<Target> {
  let next = 0
  const body = () => bodies[next++ % bodies.length] as Buffer
  if (exporter === undefined) return { name, turn: () => aloneTurn(body), isBusy: () => false, end: async () => {} }
  let method: SlabMethod | undefined
  const source = defineReceiver({
    type: 'bench_source',
    summary: 'The intake of OTLP over gRPC, without a server.',
    stability: STABILITY,
    config: Options({}),
    create({ ingress }) {
      const intake = new Intake(ingress)
      method = otlpMethod('traces', intake, undefined, false)
      return receive({ open: async () => {}, deliveries: () => intake.deliveries })
    },
  })
  const yaml = `
  receivers: { bench_source: }
  ${processors ? `processors:${processors}` : ''}
  exporters: { ${exporter} }
  service: { pipelines: { traces: {
    receivers: [bench_source], processors: [${namesIn(processors)}], exporters: [${exporter.split(':')[0]}] } } }`
  const bed = await TestBed.start(yaml, { definitions: [source, ...EXPORTERS], metrics: new Metrics('normal') })
  return {
    name,
    turn: () => turnOf(method as SlabMethod, body),
    isBusy: () => bed.graph.budgets.traces.used > 0,
    end: () => bed.stop(),
  }
}

const namesIn = (processors = ''): string =>
  [...processors.matchAll(/^ {4}(\w+):/gm)].map(([, name]) => name).join(', ')

async function turnOf(method: SlabMethod, body: () => Buffer): Promise<void> {
  const answers: Promise<Buffer | void>[] = []
  for (let index = 0; index < AT_ONCE; index++) {
    const bytes = body()
    const call = new BenchCall()
    const refused = method.refuse?.(call)
    if (refused) throw refused
    const slab = await method.room(bytes.length, bytes.length, call)
    slab.buffer.set(bytes)
    answers.push(method.take({ slab, length: bytes.length }, call))
  }
  await Promise.all(answers)
}

async function aloneTurn(body: () => Buffer): Promise<void> {
  for (let index = 0; index < AT_ONCE; index++) {
    const bytes = body()
    const slab = slabs.take(bytes.length)
    slab.buffer.set(bytes)
    const items = count('traces', slab.buffer.subarray(0, bytes.length))
    batchOfSlab('traces', items, slab, bytes.length).release()
  }
}

/** As a server makes one for each request. */
class BenchCall implements UnaryCall {
  readonly metadata = UNKNOWN_ORIGIN.metadata
  readonly peer = '127.0.0.1:40000'
  readonly auth = undefined
  readonly #cancellation = new Cancellation()

  get abort(): AbortSignal {
    return this.#cancellation.signal
  }
}

const EXPORTERS = [
  defineExporter({
    type: 'bench_direct',
    summary: 'Takes everything at once.',
    stability: STABILITY,
    config: Options({}),
    forwards: true,
    create: () => ({ send: async () => {} }),
  }),
  defineExporter({
    type: 'bench_sink',
    summary: 'Takes everything, behind what all exporters have before them.',
    stability: STABILITY,
    config: Options({ ...sendingOptions, later: Type.Boolean({ default: false, description: 'A turn later.' }) }),
    forwards: true,
    create: ({ config }) => ({
      send: config.later ? () => new Promise<void>((resolve) => setImmediate(resolve)) : async () => {},
    }),
  }),
]

function bodiesOf(spans: number): Buffer[] {
  if (spans === 512) return payloads('traces').map((batch) => Buffer.concat([join(batch)]))
  return Array.from({ length: VARIANTS }, (_, variant) => {
    const builder = traces({ 'service.name': 'shop' })
    for (let index = 0; index < spans; index++)
      builder.span({
        traceId: `${variant}${index}`.padStart(32, '1'),
        spanId: `${index}`.padStart(16, '1'),
        name: 'GET /api/v1/orders/{id}',
        start: 1n,
        end: 2n,
        attributes: {
          'http.request.method': 'GET',
          'http.route': '/api/v1/orders/{id}',
          'user_agent.original': 'curl',
        },
      })
    return Buffer.concat(builder.finish().segments())
  })
}
