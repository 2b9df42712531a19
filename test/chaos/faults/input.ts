import { call, drip, flood, post } from '../harness/attack.ts'
import { continuationFlood, pingFlood, rapidReset, settingsFlood, windowZero } from '../harness/attack-http2.ts'
import { bombs, deepJson, deepProtobuf, manyAttributes, mutated } from '../harness/bad-input.ts'
import { NumberedRequests } from '../harness/records.ts'
import type { Row } from '../harness/row.ts'
import type { Scene } from '../harness/scene.ts'

/** What comes in is hostile: rows 17 to 22 of the fault table. Meanwhile a well-behaved sender is served. */
const RATE = 1_000
const MEBIBYTE = 2 ** 20
/** What hostile requests may make the process grow by, besides the largest that is allowed: garbage not yet collected. */
const GROWTH = 384 * MEBIBYTE
const SAMPLE_MS = 50

const attacked = (
  name: string,
  about: string,
  attack: (scene: Scene) => Promise<void>,
  more: Partial<Row> = {},
): Row => ({
  name,
  about,
  queues: ['memory'],
  ...more,
  scene: {
    retry: 30_000,
    ...more.scene,
    // What is hostile goes through a step that looks at each record, and to nobody.
    config: (ports) => ({
      receivers: {
        otlp: {
          protocols: {
            http: {
              endpoint: `127.0.0.1:${ports.http}`,
              read_header_timeout: '8s',
              read_timeout: '8s',
              idle_timeout: '8s',
            },
            grpc: { endpoint: `127.0.0.1:${ports.grpc}`, request_timeout: '8s' },
          },
        },
      },
      processors: { attributes: { actions: [{ key: 'seen', value: true, action: 'upsert' }] } },
      exporters: { nop: {} },
      service: { pipelines: { logs: { receivers: ['otlp'], processors: ['attributes'], exporters: ['nop'] } } },
    }),
  },
  async run(scene) {
    await scene.load(RATE)
    await scene.last(500)
    const before = scene.telegen.memory
    let most = before
    const watching = setInterval(() => (most = Math.max(most, scene.telegen.memory)), SAMPLE_MS)
    try {
      await attack(scene)
    } finally {
      clearInterval(watching)
    }
    const growth = Math.round((most - before) / MEBIBYTE)
    scene.note(`anonymous memory grew by ${growth} MiB`)
    scene.expect(most - before < GROWTH, `anonymous memory grew by ${growth} MiB`)
    await scene.generator.call('stop')
    const { acknowledged, answers, issued } = await scene.generator.call('ledger')
    const unserved = issued - acknowledged.reduce((sum, each) => sum + each, 0)
    scene.expect(
      unserved === 0,
      `${unserved} requests of a well-behaved sender were not served: ${JSON.stringify(answers)}`,
    )
  },
})

const oversize = attacked(
  'oversize',
  'A gibibyte of body, announced or not; a million attributes: refused, or taken.',
  async (scene) => {
    const { http, grpc } = scene.ports
    for (const announced of [true, false]) {
      const { says, sent } = await flood(http, 1024, announced)
      scene.note(`${announced ? 'announced' : 'chunked'}: ${says} after ${sent} MiB`)
      scene.expect(
        ['413', 'EPIPE', 'ECONNRESET'].includes(says) && sent < 256,
        `a gibibyte of body: ${says} after ${sent} MiB`,
      )
      scene.strike(1, 'requests too large')
    }
    const grpcSays = await call(grpc, Buffer.alloc(MEBIBYTE), { length: 1024 * MEBIBYTE })
    scene.expect(grpcSays === '8', `a message of a gibibyte: gRPC status ${grpcSays}`)
    const attributes = await post({ port: http, body: manyAttributes(1_000_000) })
    scene.expect(attributes === '200' || attributes === '413', `a million attributes: ${attributes}`)
    scene.strike(2, 'requests too large')
  },
)

const malformed = attacked(
  'malformed',
  'Thousands of requests with bytes changed: each is taken or answered 400, none is a fault of ours.',
  async (scene) => {
    // Numbered spans look like logs to the outermost fields only: most of what is inside is wrong from the start.
    const corpus = [new NumberedRequests(5).request(7), manyAttributes(20), deepProtobuf(10), deepJson(10)]
    const said = new Map<string, number>()
    for (let round = 0; round < (scene.long ? 10_000 : 1_000); round++) {
      const seed = scene.random.pick(corpus)
      const type = seed[0] === 0x7b ? 'application/json' : 'application/x-protobuf'
      const body = mutated(seed, scene.random)
      const says = await post({ port: scene.ports.http, body, headers: { 'content-type': type } })
      said.set(says, (said.get(says) ?? 0) + 1)
      if (says !== '200' && says !== '400')
        scene.expect(false, `${type}: ${says} to ${body.subarray(0, 200).toString('base64')}`)
    }
    for (let round = 0; round < 100; round++) {
      const says = await call(scene.ports.grpc, mutated(scene.random.pick(corpus), scene.random))
      said.set(`gRPC ${says}`, (said.get(`gRPC ${says}`) ?? 0) + 1)
      scene.expect(says === '0' || says === '3', `a malformed message: gRPC status ${says}`)
    }
    scene.note(JSON.stringify(Object.fromEntries(said)))
    scene.strike((said.get('400') ?? 0) + (said.get('gRPC 3') ?? 0), 'requests refused as malformed')
  },
  { short: ['memory'] },
)

const slowloris = attacked(
  'slowloris',
  'Hundreds of connections that send a byte a second, in the head, in the body, before HTTP/2: each is closed in time.',
  async (scene) => {
    const { http, grpc } = scene.ports
    const head = 'POST /v1/logs HTTP/1.1\r\nhost: x\r\n'
    const attacks = {
      'in the head': drip(http, 200, head, 30_000),
      'in the body': drip(
        http,
        200,
        `${head}content-type: application/x-protobuf\r\ncontent-length: 1000000\r\n\r\n`,
        30_000,
      ),
      silent: drip(http, 500, '', 30_000),
      'before the preface': drip(grpc, 100, 'PRI * HTTP', 30_000),
    }
    for (const [where, attack] of Object.entries(attacks)) {
      const { open, closed } = await attack
      scene.strike(open, 'connections that drip')
      scene.note(`${where}: ${closed} of ${open} closed`)
      // A connection that never began to speak HTTP/2 costs a file descriptor: told, not judged.
      scene.expect(closed >= open, `${where}: ${open - closed} of ${open} connections were still open after 30 s`)
    }
  },
)

const idle = attacked(
  'idle-connections',
  'Five thousand connections that say nothing: others are served.',
  async (scene) => {
    const { open, closed } = await drip(scene.ports.http, 5_000, '', 10_000)
    scene.strike(open, 'idle connections')
    scene.note(`${closed} of ${open} closed`)
  },
)

const bombRow = attacked(
  'bombs',
  'A gibibyte in a few bytes, by each codec, over both transports: refused before it is inflated.',
  async (scene) => {
    const { http, grpc } = scene.ports
    for (const [coding, body] of Object.entries(bombs(1024))) {
      const says = await post({ port: http, body, headers: { 'content-encoding': coding } })
      scene.note(`${coding}: ${body.length} bytes, ${says}`)
      scene.expect(['413', '400', '415'].includes(says), `${coding}: ${says}`)
      scene.strike(1, 'bombs')
      if (coding.includes(',') || coding === 'x-snappy-framed') continue
      const grpcSays = await call(grpc, body, { encoding: coding })
      scene.expect(['8', '12', '3', '13'].includes(grpcSays), `gRPC ${coding}: status ${grpcSays}`)
      scene.strike(1, 'bombs')
    }
  },
)

const nesting = attacked(
  'nesting',
  'Values a hundred thousand levels deep, as JSON and as protobuf: refused, without an overflow of the stack.',
  async (scene) => {
    for (const levels of [200, 10_000, 100_000]) {
      const protobuf = await post({ port: scene.ports.http, body: deepProtobuf(levels) })
      const json = await post({
        port: scene.ports.http,
        body: deepJson(levels),
        headers: { 'content-type': 'application/json' },
      })
      const grpc = await call(scene.ports.grpc, deepProtobuf(levels))
      scene.note(`${levels} levels: protobuf ${protobuf}, JSON ${json}, gRPC ${grpc}`)
      scene.expect(
        protobuf === '400' && json === '400' && grpc === '3',
        `${levels} levels: ${protobuf}, ${json}, ${grpc}`,
      )
      scene.strike(3, 'requests too deep')
    }
  },
  { short: ['memory'] },
)

const http2 = attacked(
  'http2-abuse',
  'Rapid reset, floods of CONTINUATION, SETTINGS and PING, windows of zero: bounded, and others are served.',
  async (scene) => {
    const attacks = { rapidReset, continuationFlood, settingsFlood, pingFlood, windowZero }
    for (const [name, attack] of Object.entries(attacks)) {
      const { sent, closed } = await attack(scene.ports.grpc, scene.long ? 100_000 : 20_000)
      scene.note(`${name}: ${sent} frames, ${closed ? 'closed' : 'not closed'}`)
      scene.strike(sent, 'hostile frames')
    }
  },
  { scene: { protocol: 'grpc' } },
)

export const inputRows: readonly Row[] = [oversize, malformed, slowloris, idle, bombRow, nesting, http2]
