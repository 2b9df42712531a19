import type { Row } from '../harness/row.ts'
import type { Scene } from '../harness/scene.ts'
import type { Behaviour } from '../harness/sink.ts'

/** A backend that is away, hangs, is slow, or refuses: rows 1 to 4, 6 and 32 of the fault table. */
const both = ['memory', 'disk'] as const
const RATE = 5_000
const BEFORE_MS = 500

const down = (name: string, about: string, more: Partial<Row>): Row => ({
  name,
  about,
  queues: both,
  async run(scene) {
    await scene.load(RATE)
    await scene.last(BEFORE_MS)
    await scene.sink.call('down')
    await scene.last(scene.long ? 20_000 : 1_500)
    scene.strike(await scene.refusedConnections(scene.ports.sink[scene.protocol]), 'connections of the harness refused')
    await scene.sink.call('up')
    scene.heal()
    await scene.last(BEFORE_MS)
  },
  ...more,
})

/** While the backend does as it is told, requests meet it; afterwards it works again. */
const scripted = (name: string, about: string, as: Behaviour, lasting: number, more: Partial<Row> = {}): Row => ({
  name,
  about,
  queues: both,
  async run(scene) {
    scene.strike(await misbehave(scene, as, scene.long ? lasting * 3 : lasting), `requests that met "${as.kind}"`)
  },
  ...more,
})

/** Resolves to how many requests met it. */
async function misbehave(scene: Scene, as: Behaviour, lasting: number): Promise<number> {
  await scene.load(RATE)
  await scene.last(BEFORE_MS)
  await scene.behave(as)
  await scene.last(lasting)
  await scene.until(async () => (await scene.struckSink(as.kind)) > 0)
  await scene.behave({ kind: 'ok' })
  scene.heal()
  await scene.last(BEFORE_MS)
  return scene.struckSink(as.kind)
}

/** Whether the exporter waited as long as it was told, and not without end. */
async function waitedFor(scene: Scene, least: number): Promise<void> {
  await scene.until(async () => (await scene.sink.call('ledger')).returns.length > 0)
  const { returns } = await scene.sink.call('ledger')
  const soonest = Math.min(...returns)
  scene.note(`came again after ${soonest} ms at the soonest`)
  scene.expect(returns.length > 0, 'the exporter never came again')
  scene.expect(soonest >= least, `the exporter came again after ${soonest} ms, told to wait ${least} ms`)
}

const told = (name: string, protocol: 'http' | 'grpc', as: Behaviour, least: number): Row => ({
  name,
  about: 'The backend refuses once and says when to come again: the exporter waits that long, and sends.',
  queues: ['memory'],
  // One consumer, or others would come meanwhile.
  scene: {
    protocol,
    config: () => ({ exporters: { [`otlp_${protocol}`]: { sending_queue: { num_consumers: 1 } } } }),
  },
  async run(scene) {
    await scene.behave(as, 1)
    await scene.load(RATE / 5)
    await scene.last(least + 2_000)
    scene.strike(await scene.struckSink('refuse'), 'refusals with a time')
    scene.heal()
    await waitedFor(scene, least)
  },
})

/** Whole seconds: the wait is from 2 to 3. */
const retryDate = told('retry-after-date', 'http', { kind: 'refuse', status: 503, retryDate: 2 }, 2_000)

const partial: Row = {
  name: 'partial-success',
  about: 'The backend takes all but three records of a request: they are counted, and nothing of it is sent again.',
  queues: both,
  async run(scene) {
    scene.strike(await misbehave(scene, { kind: 'partial', rejected: 3 }, 1_000), 'answers that refused a part')
    const { rejected, struck } = await scene.sink.call('ledger')
    scene.expect(rejected.length === (struck['partial'] ?? 0) * 3, 'the backend refused other than it was told to')
    const counted = await scene.metric('telegen_dropped_items')
    scene.expect(counted === rejected.length, `${rejected.length} records refused, ${counted} counted as dropped`)
  },
}

const poisoned: Row = {
  name: 'poisoned-batch',
  about:
    'Every request with a certain record is refused for good, among good ones: it alone is dropped, and blocks nothing.',
  queues: both,
  short: ['memory'],
  async run(scene) {
    // A record in every fifth request.
    await misbehave(scene, { kind: 'poison', every: scene.size * 5 }, 1_500)
    const { rejected } = await scene.sink.call('ledger')
    scene.strike(rejected.length, 'records refused for good')
    const counted = await scene.metric('telegen_dropped_items')
    scene.expect(rejected.length > 0, 'nothing was poisoned')
    scene.expect(counted === rejected.length, `${rejected.length} records refused, ${counted} counted as dropped`)
  },
}

const permanent: Row = {
  name: 'backend-refuses-for-good',
  about: 'The backend answers 400: what it refused is counted and not sent again.',
  queues: ['memory'],
  async run(scene) {
    scene.strike(await misbehave(scene, { kind: 'refuse', status: 400 }, 1_000), 'requests refused for good')
    const { rejected, struck } = await scene.sink.call('ledger')
    const counted = await scene.metric('telegen_dropped_items')
    scene.expect(counted === rejected.length, `${rejected.length} records refused, ${counted} counted as dropped`)
    scene.expect(
      (struck['refuse'] ?? 0) * scene.size === rejected.length,
      'a request that was refused for good came again',
    )
  },
}

/** A second exporter points at a port where nobody ever is. */
const deadBranch: Row = {
  name: 'fan-out-dead-branch',
  about: 'One of two backends is dead: the other gets everything, once.',
  queues: both,
  short: ['disk'],
  scene: {
    config: ({ agent }) => ({
      exporters: {
        'otlp_http/dead': {
          endpoint: `http://127.0.0.1:${agent.http}`,
          retry_on_failure: { initial_interval: '100ms', max_interval: '1s' },
        },
      },
      service: { pipelines: { traces: { exporters: ['otlp_http', 'otlp_http/dead'] } } },
    }),
  },
  async run(scene) {
    await scene.load(RATE)
    await scene.last(scene.long ? 10_000 : 2_000)
    scene.strike(await scene.refusedConnections(scene.ports.agent.http), 'connections of the harness refused')
    scene.heal()
  },
}

export const backendRows: readonly Row[] = [
  deadBranch,
  down(
    'backend-down',
    'Nobody listens where the backend was: what was acknowledged waits, and arrives when it is back.',
    {
      short: both,
    },
  ),
  down('backend-down-grpc', 'The same over gRPC.', { scene: { protocol: 'grpc' } }),
  down('backend-down-batch', 'The same with a batch processor.', {
    scene: {
      config: () => ({
        processors: { batch: { send_batch_size: 1024, timeout: '200ms' } },
        service: { pipelines: { traces: { processors: ['batch'] } } },
      }),
    },
    short: ['memory'],
  }),
  down('backend-down-two-hops', 'The same behind an agent and a gateway.', { scene: { hops: 2 } }),
  scripted(
    'backend-hangs',
    'The backend takes requests and never answers: attempts time out.',
    { kind: 'hang' },
    4_000,
    {
      short: ['memory'],
    },
  ),
  scripted('backend-hangs-grpc', 'The same over gRPC.', { kind: 'hang' }, 4_000, { scene: { protocol: 'grpc' } }),
  scripted('backend-slow', 'Each answer takes a second.', { kind: 'slow', delay: 1_000 }, 4_000),
  scripted(
    'backend-5xx',
    'The backend answers 503: everything is tried again.',
    { kind: 'refuse', status: 503 },
    2_000,
    {},
  ),
  scripted('backend-unavailable-grpc', 'The backend answers UNAVAILABLE.', { kind: 'refuse', status: 503 }, 2_000, {
    scene: { protocol: 'grpc' },
  }),
  told('retry-after-seconds', 'http', { kind: 'refuse', status: 429, retryAfter: '2' }, 1_950),
  retryDate,
  told('retry-info', 'grpc', { kind: 'refuse', status: 503, retryInfo: 2 }, 1_950),
  permanent,
  partial,
  poisoned,
]
