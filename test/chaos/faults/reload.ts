import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import type { Row } from '../harness/row.ts'
import type { Scene } from '../harness/scene.ts'
import { IN_EFFECT, REFUSED, ROLLED_BACK, SAME } from '../harness/telegen.ts'

/** The configuration changes under load: row 27 of the fault table. */
const RATE = 20_000
const LONG = 110
const SHORT = 15
/** One in so many is invalid. */
const INVALID_EVERY = 10
/** Of the requests: were more not issued in time, the load would not be what it is said to be. */
const LATE = 0.05

/** A change, and how Telegen ends a reload to it. The header that `round` sets is the harness's own proof, at the backend, that it is in effect. */
type Change = (round: number, scene: Scene) => { readonly overlay: object; readonly ends: string }

const mark = (round: number, protocol: string) => ({
  exporters: { [`otlp_${protocol}`]: { headers: { 'x-chaos': String(round) } } },
})
const listen = (scene: Scene, more: object) => ({
  receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${scene.ports.http}`, ...more } } } },
})
const batching = {
  processors: { batch: { timeout: '100ms', send_batch_size: 1_000 } },
  service: { pipelines: { traces: { processors: ['batch'] } } },
}

const CHANGES: readonly Change[] = [
  // The exporter alone: its queue goes on in the next one.
  (round, { protocol }) => ({ overlay: mark(round, protocol), ends: IN_EFFECT }),
  // The receiver alone: its port must stay open.
  (round, scene) => ({ overlay: listen(scene, { max_request_body_size: `${8 + round}MiB` }), ends: IN_EFFECT }),
  // A stage that holds data comes, and goes with the next change.
  (round, { protocol }) => ({ overlay: { ...batching, ...mark(round, protocol) }, ends: IN_EFFECT }),
  // All at once.
  (round, scene) => ({
    overlay: {
      ...batching,
      ...mark(round, scene.protocol),
      ...listen(scene, { max_request_body_size: `${9 + round}MiB` }),
    },
    ends: IN_EFFECT,
  }),
]

const INVALID: readonly Change[] = [
  () => ({ overlay: { receivers: { otlp: { protcols: {} } } }, ends: REFUSED }),
  () => ({ overlay: { service: { pipelines: { traces: { exporters: ['nowhere'] } } } }, ends: REFUSED }),
  // Valid until it starts: the port is taken by the harness.
  (_round, { ports }) => ({
    overlay: {
      receivers: { 'otlp/other': { protocols: { http: { endpoint: `127.0.0.1:${ports.agent.http}` } } } },
      service: { pipelines: { traces: { receivers: ['otlp', 'otlp/other'] } } },
    },
    ends: ROLLED_BACK,
  }),
]

const storm: Row = {
  name: 'reload-storm',
  about:
    'A hundred reloads at 20,000 records a second, ten of them invalid: nothing lost, no connection refused, no duplicate.',
  queues: ['memory', 'disk'],
  alone: true,
  scene: { size: 200, retry: 20_000, generator: { reconnect: true } },
  async run(scene) {
    const blocker: Server = createServer().listen(scene.ports.agent.http, '127.0.0.1')
    await scene.load(RATE)
    await scene.last(500)
    const rounds = scene.long ? LONG : SHORT
    let marked = 0
    let slowest = 0
    let invalid = 0
    for (let round = 1; round <= rounds; round++) {
      const isInvalid = round % INVALID_EVERY === 0
      const change = isInvalid ? INVALID[invalid++ % INVALID.length] : CHANGES[(round - invalid) % CHANGES.length]
      const { overlay, ends } = (change as Change)(round, scene)
      const sets = JSON.stringify(overlay).includes('x-chaos')
      if (ends === REFUSED && round % 20 === 0) writeFileSync(scene.telegen.config, 'receivers: [\n')
      else scene.configure(overlay)
      const began = performance.now()
      const said = await scene.telegen.reload()
      slowest = Math.max(slowest, Math.round(performance.now() - began))
      scene.expect(said === ends, `reload ${round}: "${said}", not "${ends}"`)
      if (sets && !(await arrives(scene, String(round)))) scene.expect(false, `reload ${round} never took effect`)
      else if (sets) marked++
      if (scene.long) await scene.last(100)
    }
    scene.configure()
    const last = await scene.telegen.reload()
    scene.expect(last === IN_EFFECT, `the last reload: "${last}"`)
    blocker.close()
    scene.strike(marked, 'configurations seen in effect by the backend')
    scene.note(`${rounds} reloads, ${invalid} of them invalid; the slowest took ${slowest} ms`)
    await scene.generator.call('stop')
    const { answers, issued, skipped } = await scene.generator.call('ledger')
    scene.note(`answers ${JSON.stringify(answers)}, ${skipped} not issued in time`)
    scene.expect(skipped <= LATE * (issued + skipped), `${skipped} requests were not issued in time, ${issued} were`)
    scene.expect(!answers['ECONNREFUSED'], `${answers['ECONNREFUSED']} connections were refused`)
    // A kept connection may end just when a request is on its way: HTTP has no way to prevent that, and senders send again.
    const others = Object.keys(answers).filter((says) => says !== '200' && says !== 'ECONNRESET')
    scene.expect(others.length === 0, `requests were refused: ${JSON.stringify(answers)}`)
    scene.heal()
  },
}

const same: Row = {
  name: 'sighup-storm',
  about: 'SIGHUP fifty times a second, and nothing has changed: nothing is touched.',
  queues: ['memory'],
  async run(scene) {
    await scene.load(5_000)
    await scene.last(500)
    const before = scene.telegen.output.length
    for (let round = 0; round < 100; round++) {
      scene.telegen.signal('SIGHUP')
      await scene.last(20)
    }
    scene.strike(100, 'SIGHUPs')
    await scene.telegen.says(SAME, before)
    scene.expect(!scene.telegen.output.includes(IN_EFFECT, before), 'something was started though nothing had changed')
    await scene.generator.call('stop')
    const { answers, issued } = await scene.generator.call('ledger')
    scene.expect((answers['200'] ?? 0) === issued, `senders met ${JSON.stringify(answers)}`)
    scene.heal()
  },
}

/** The endpoint was wrong, everything waits, and a reload corrects it: the queue of the old exporter goes to the new place. */
const corrected: Row = {
  name: 'reload-corrects-endpoint',
  about: 'The exporter points at a dead port; a reload corrects it, and what waited arrives at the right one.',
  queues: ['memory', 'disk'],
  short: ['memory'],
  scene: { idle: true },
  async run(scene) {
    const wrong = { exporters: { otlp_http: { endpoint: `http://127.0.0.1:${scene.ports.agent.grpc}` } } }
    scene.configure(wrong)
    await scene.telegen.start()
    await scene.load(5_000)
    await scene.last(1_500)
    scene.strike(await scene.refusedConnections(scene.ports.agent.grpc), 'connections refused at the wrong port')
    scene.configure()
    const said = await scene.telegen.reload()
    scene.expect(said === IN_EFFECT, `"${said}"`)
    scene.heal()
    await scene.last(500)
  },
}

async function arrives(scene: Scene, value: string): Promise<boolean> {
  for (const end = performance.now() + 10_000; performance.now() < end; await scene.last(10))
    if ((await scene.sink.call('marks')).includes(value)) return true
  return false
}

export const reloadRows: readonly Row[] = [storm, same, corrected]
