import { join } from 'node:path'
import type { Row } from '../harness/row.ts'
import { injected, injecting } from '../harness/strace.ts'
import { missing } from '../harness/tools.ts'

/** The moments at which custody changes hands: a process that dies there must not have promised what is not there, nor removed what was not delivered. */
const RATE = 2_000
const SLOW_SYNC_MICROSECONDS = 150_000

export const killBehindSlowSync: Row = {
  name: 'kill-behind-slow-fsync',
  about:
    'Each fsync takes 150 ms, and the process is killed: nothing was acknowledged that was still on its way to the disk.',
  queues: ['disk'],
  missing: () => missing('strace'),
  scene: { retry: 60_000, idle: true },
  mayDouble: 'what was on its way when the process was killed is sent again',
  async run(scene) {
    await scene.sink.call('down')
    for (let round = 0; round < (scene.long ? 10 : 2); round++) {
      const log = join(scene.directory, `strace-${round}`)
      scene.telegen.options = {
        ...scene.telegen.options,
        under: injecting(['fdatasync'], `delay_enter=${SLOW_SYNC_MICROSECONDS}`, log),
      }
      await scene.telegen.start()
      await scene.load(RATE)
      await scene.last(scene.random.integer(1_000, 1_500))
      await scene.telegen.kill()
      scene.strike(injected(log), 'fsyncs delayed')
    }
    scene.telegen.options = { ...scene.telegen.options, under: [] }
    await scene.sink.call('up')
    await scene.telegen.start()
    scene.heal()
  },
}

export const killWhileDraining: Row = {
  name: 'kill-while-draining',
  about:
    'A backlog drains out of small segments to a slow backend, and the process is killed: no segment went with a record that nobody has.',
  queues: ['disk'],
  scene: {
    retry: 60_000,
    // One request to a segment, so that segments come and go all the time.
    size: 200,
    config: () => ({
      extensions: { file_storage: { segment_size: '64KiB' } },
      exporters: { otlp_http: { timeout: '10s', sending_queue: { num_consumers: 4 } } },
    }),
  },
  mayDouble: 'what was on its way when the process was killed is sent again',
  async run(scene) {
    await scene.sink.call('down')
    await scene.load(4 * RATE)
    await scene.last(2_000)
    await scene.generator.call('stop')
    await scene.sink.call('up')
    // Recorded when it is answered: what dies with the process before was not delivered.
    await scene.behave({ kind: 'slow', delay: 300 })
    for (let round = 0; round < (scene.long ? 10 : 2); round++) {
      // Settled segments are removed once a second.
      await scene.last(scene.random.integer(1_200, 1_800))
      await scene.behave({ kind: 'hang' })
      await scene.last(1_500)
      await scene.telegen.kill()
      scene.strike(1, 'kills of a process that drains')
      await scene.behave({ kind: 'slow', delay: 300 })
      await scene.telegen.start()
    }
    await scene.behave({ kind: 'ok' })
    scene.heal()
  },
}

export const custodyRows: readonly Row[] = [killBehindSlowSync, killWhileDraining]
