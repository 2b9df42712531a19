import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Row } from '../harness/row.ts'
import type { Scene } from '../harness/scene.ts'

/** What happens to the process itself: rows 25, 28, 33 and 35 of the fault table. Kills and disks have files of their own. */
const RATE = 5_000
/** Telegen's own deadline for what is left, and something for a machine that has more to do. */
const STOP_MS = 10_000 + 5_000

const frozen: Row = {
  name: 'frozen-process',
  about:
    'The process is stopped for seconds and goes on (SIGSTOP, SIGCONT): no storm of false time-outs, nothing lost.',
  queues: ['memory', 'disk'],
  scene: { retry: 20_000 },
  mayDouble: 'a request whose answer came while the process slept is sent again when it wakes',
  async run(scene) {
    await scene.load(RATE)
    for (let round = 0; round < (scene.long ? 5 : 2); round++) {
      await scene.last(500)
      scene.telegen.signal('SIGSTOP')
      await scene.last(2_500)
      scene.telegen.signal('SIGCONT')
      scene.strike(1, 'SIGSTOP and SIGCONT')
    }
    scene.heal()
    await scene.last(500)
  },
}

/** The load goes on while Telegen stops; what it says afterwards is held against what is missing. */
async function stopWithDeadBackend(scene: Scene): Promise<number> {
  await scene.load(RATE)
  await scene.last(500)
  await scene.sink.call('down')
  await scene.last(1_500)
  scene.strike(await scene.refusedConnections(scene.ports.sink.http), 'connections of the harness refused')
  const began = performance.now()
  const exit = await scene.telegen.stop()
  const took = Math.round(performance.now() - began)
  scene.note(`ended with ${exit} after ${took} ms`)
  scene.expect(exit === 0, `SIGTERM ended Telegen with ${exit}`)
  await scene.generator.call('stop')
  return took
}

const stopWithDisk: Row = {
  name: 'sigterm-backend-down-disk',
  about:
    'SIGTERM under load with a dead backend and a queue on disk: quick, and the next process sends what was acknowledged.',
  queues: ['disk'],
  async run(scene) {
    const took = await stopWithDeadBackend(scene)
    scene.expect(took < STOP_MS / 2, `what is on disk is safe, and the stop still took ${took} ms`)
    await scene.sink.call('up')
    await scene.telegen.start()
    scene.heal()
  },
}

const stopWithMemory: Row = {
  name: 'sigterm-backend-down-memory',
  about: 'The same with a queue in memory: the end comes within its deadline, and what is lost is counted and named.',
  queues: ['memory'],
  mayLose: 'memory does not outlive the process',
  async run(scene) {
    const took = await stopWithDeadBackend(scene)
    scene.expect(took < STOP_MS, `the stop took ${took} ms`)
    const { size, acknowledged } = await scene.generator.call('ledger')
    const missing = await scene.sink.call('missing', { size, acknowledged })
    const named = [...scene.telegen.output.matchAll(/"items":\s*(\d+)/g)].reduce(
      (sum, match) => sum + Number(match[1]),
      0,
    )
    scene.note(`${missing} lost, ${named} named in the log`)
    scene.expect(named >= missing, `${missing} records were lost and the log names ${named}`)
    await scene.sink.call('up')
    await scene.telegen.start()
    scene.heal()
  },
}

const secondSignal: Row = {
  name: 'second-signal',
  about: 'A second SIGTERM ends the wait for a backend that hangs.',
  queues: ['memory'],
  mayLose: 'the operator asked for it',
  async run(scene) {
    await scene.load(RATE)
    await scene.last(500)
    await scene.behave({ kind: 'hang' })
    await scene.last(1_000)
    await scene.generator.call('stop')
    scene.telegen.signal('SIGTERM')
    await scene.last(1_000)
    scene.expect(scene.telegen.isRunning, 'nothing was waited for: the second signal proves nothing')
    const began = performance.now()
    scene.telegen.signal('SIGTERM')
    await scene.telegen.end()
    const took = Math.round(performance.now() - began)
    scene.strike(1, 'second signal')
    scene.note(`ended ${took} ms after the second signal`)
    scene.expect(took < 2_000, `the second signal took ${took} ms`)
    await scene.behave({ kind: 'ok' })
    await scene.telegen.start()
    scene.heal()
  },
}

const twoInstances: Row = {
  name: 'two-instances',
  about: 'A second process on the same folder refuses and says why; after a kill the next one takes over at once.',
  queues: ['disk'],
  scene: { retry: 20_000 },
  mayDouble: 'what was on its way when the process was killed is sent again',
  async run(scene) {
    await scene.load(RATE)
    const other = scene.makeTelegen('other')
    const config = JSON.parse(scene.configured) as {
      receivers: unknown
      service: { telemetry?: unknown; extensions: string[] }
    }
    config.receivers = { otlp: { protocols: { http: { endpoint: '127.0.0.1:0' } } } }
    config.service.telemetry = { metrics: { readers: [] } }
    config.service.extensions = ['file_storage']
    other.configure(config)
    other.launch()
    const exit = await other.end()
    scene.strike(exit === 1 ? 1 : 0, 'second process that refused')
    scene.expect(exit === 1, `the second process ended with ${exit}`)
    const sentence =
      other.output.split('\n').find((line) => line.includes('is used by')) ?? 'nothing about another user'
    scene.note(sentence.slice(0, 300))
    scene.expect(
      sentence.includes(String(scene.telegen.pid)),
      'the refusal does not name the process that has the folder',
    )
    await scene.telegen.kill()
    await scene.telegen.start()
    scene.heal()
    scene.note(`started ${scene.telegen.startedIn} ms after the kill`)
    await scene.last(500)
  },
}

/** A hook that throws at some spans, and an operator that throws, or fails later, at some deliveries. */
const PLUGIN = `
import { defineProcessor, Options, Observable } from 'telegen/plugin'
let seen = 0
export const hook = defineProcessor({
  type: 'throwing_hook', summary: 'Throws now and then.', stability: { traces: 'development' }, config: Options({}),
  create: () => ({ steps: [{ on: 'span', act() { if (++seen % 3001 === 0) throw new Error('the hook threw') } }] }),
})
export const operator = defineProcessor({
  type: 'throwing_operator', summary: 'Fails now and then.', stability: { traces: 'development' }, config: Options({}),
  create: () => {
    let deliveries = 0
    return {
      operator: (source) => new Observable((subscriber) => source.subscribe({
        next(delivery) {
          deliveries++
          if (deliveries % 97 === 0) throw new Error('the operator threw')
          if (deliveries % 101 === 0) { subscriber.error(new Error('the operator failed')); return }
          subscriber.next(delivery)
        },
        complete: () => subscriber.complete(),
      })),
    }
  },
})
`

const throwing: Row = {
  name: 'throwing-plugin',
  mayEscape: 'RxJS reports what an observer of the plugin throws to nobody in particular',
  about: 'Processors of a plugin throw, and fail: what was inside is refused, the rest goes on.',
  queues: ['memory'],
  scene: {
    retry: 20_000,
    config: (_ports, directory) => {
      mkdirSync(join(directory, 'gateway'), { recursive: true })
      writeFileSync(join(directory, 'gateway', 'hook.mjs'), PLUGIN + 'export default hook\n')
      writeFileSync(join(directory, 'gateway', 'operator.mjs'), PLUGIN + 'export default operator\n')
      return {
        plugins: ['./hook.mjs', './operator.mjs'],
        processors: { throwing_hook: {}, throwing_operator: {} },
        service: { pipelines: { traces: { processors: ['throwing_hook', 'throwing_operator'] } } },
      }
    },
  },
  async run(scene) {
    await scene.load(2_000)
    await scene.last(scene.long ? 20_000 : 4_000)
    await scene.generator.call('stop')
    const { answers } = await scene.generator.call('ledger')
    const refused = Object.entries(answers).reduce((sum, [says, count]) => sum + (says === '200' ? 0 : count), 0)
    scene.strike(refused, 'requests refused')
    scene.note(`answers ${JSON.stringify(answers)}`)
    scene.heal()
  },
}

export const processRows: readonly Row[] = [
  frozen,
  stopWithDisk,
  stopWithMemory,
  secondSignal,
  twoInstances,
  { ...throwing, short: ['memory'] },
]
