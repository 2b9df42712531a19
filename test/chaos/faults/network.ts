import type { Row } from '../harness/row.ts'
import type { Deeds, Rules } from '../harness/proxy.ts'
import type { Scene } from '../harness/scene.ts'

/** A net that is slow, breaks, or swallows: rows 3, 5, 7 and 26 of the fault table. */
const both = ['memory', 'disk'] as const
const RATE = 5_000

/** The proxy keeps `rules` for a while; `counted` is its counter that proves it. */
const proxied = (
  name: string,
  about: string,
  rules: (scene: Scene) => Rules,
  counted: keyof Deeds,
  more: Partial<Row> & { lasting?: number } = {},
): Row => ({
  name,
  about,
  queues: both,
  ...more,
  scene: { proxy: true, ...more.scene },
  async run(scene) {
    const lasting = more.lasting ?? 3_000
    await scene.load(RATE)
    await scene.last(500)
    await scene.proxy?.call('rule', rules(scene))
    await scene.last(scene.long ? lasting * 2 : lasting)
    await scene.until(async () => ((await scene.proxy?.call('deeds'))?.[counted] ?? 0) > 0)
    await scene.proxy?.call('rule', {})
    scene.heal()
    scene.strike((await scene.proxy?.call('deeds'))?.[counted] ?? 0, `by the proxy: ${counted}`)
    await scene.last(500)
  },
})

/** What the backend took while its answer was lost comes again: at least once, and the harness counts it. */
const resetBeforeAnswer = (protocol: 'http' | 'grpc'): Row => ({
  name: protocol === 'http' ? 'reset-before-answer' : 'reset-before-answer-grpc',
  about:
    'The backend takes a request and the connection is reset before its answer: sent again, and counted as a duplicate.',
  queues: both,
  scene: { protocol },

  async run(scene) {
    await scene.load(RATE)
    await scene.last(500)
    await scene.behave({ kind: 'reset' }, 30)
    await scene.last(2_000)
    await scene.until(async () => (await scene.struckSink('reset')) >= 10)
    scene.strike(await scene.struckSink('reset'), 'answers turned into resets')
    scene.heal()
  },
  // One connection carries many calls over gRPC: a reset takes the answers of all of them.
  ...(protocol === 'grpc' && { mayDouble: 'a reset takes the answers of all calls of its connection' }),
})

const resetStorm: Row = {
  name: 'reset-storm',
  about: 'All connections are reset, ten times a second.',
  queues: both,
  scene: { proxy: true, protocol: 'grpc' },
  mayDouble: 'a reset takes the answers of all calls of its connection',
  async run(scene) {
    await scene.load(RATE)
    for (let round = 0; round < (scene.long ? 50 : 15); round++) {
      await scene.last(100)
      if (round === 0) await scene.until(() => connected(scene))
      await scene.proxy?.call('resetAll')
    }
    scene.strike((await scene.proxy?.call('deeds'))?.resets ?? 0, 'connections reset by the proxy')
    scene.heal()
  },
}

const halfClose: Row = {
  name: 'half-close',
  about: 'The other side says that it will send no more, and keeps the connection: it is found, and another is made.',
  queues: both,
  scene: { proxy: true },
  mayDouble: 'an answer that was on its way behind the half-close is lost',
  async run(scene) {
    await scene.load(RATE)
    for (let round = 0; round < 10; round++) {
      await scene.last(150)
      if (round === 0) await scene.until(() => connected(scene))
      await scene.proxy?.call('halfCloseAll')
    }
    scene.strike((await scene.proxy?.call('deeds'))?.halfClosed ?? 0, 'connections half closed by the proxy')
    scene.heal()
  },
}

const connected = async (scene: Scene) => ((await scene.proxy?.call('deeds'))?.connections ?? 0) > 0

/** The client gives up while Telegen waits for a slow backend, and sends again: whatever comes twice is the client's own. */
const impatientClient: Row = {
  name: 'impatient-client',
  about:
    'Clients give up after 300 ms and send again what Telegen had taken: duplicates, all of them counted, nothing lost.',
  queues: ['memory'],
  scene: {
    retry: 4_000,
    generator: { timeout: 300 },
    config: (ports) => ({
      receivers: { otlp: { acknowledge: 'delivered', protocols: { http: { endpoint: `127.0.0.1:${ports.http}` } } } },
    }),
  },
  async run(scene) {
    await scene.load(1_000)
    await scene.last(500)
    await scene.behave({ kind: 'slow', delay: 600 })
    await scene.last(2_000)
    await scene.behave({ kind: 'ok' })
    scene.heal()
    await scene.last(500)
    scene.strike((await scene.generator.call('ledger')).answers['timeout'] ?? 0, 'clients that gave up')
  },
}

export const networkRows: readonly Row[] = [
  proxied('net-delay', 'Each chunk takes 200 ms longer, either way.', () => ({ delay: 200 }), 'delayed'),
  proxied('net-throttled', '100 KB a second on each connection.', () => ({ bytesPerSecond: 100_000 }), 'throttled', {
    mayDouble: 'an attempt that timed out may have arrived whole',
  }),
  proxied('black-hole', 'Nothing goes on either way and nothing is closed.', () => ({ blackHole: true }), 'swallowed', {
    short: ['memory'],
    lasting: 4_000,
    mayDouble: 'what the hole held arrives when it opens, behind what was sent again',
  }),
  proxied('black-hole-grpc', 'The same over gRPC.', () => ({ blackHole: true }), 'swallowed', {
    scene: { protocol: 'grpc' },
    lasting: 4_000,
    mayDouble: 'what the hole held arrives when it opens, behind what was sent again',
  }),
  proxied(
    'reset-in-request',
    'The connection is reset within a request, at a random byte.',
    ({ random }) => ({ resetAfter: random.integer(1, 12_000), resets: 40 }),
    'resets',
    {
      mayDouble: 'a request before that byte on the same connection may have been answered too late',
    },
  ),
  resetBeforeAnswer('http'),
  resetBeforeAnswer('grpc'),
  resetStorm,
  halfClose,
  impatientClient,
]
