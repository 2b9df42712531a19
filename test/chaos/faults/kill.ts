import { join } from 'node:path'
import type { Row } from '../harness/row.ts'
import type { Scene } from '../harness/scene.ts'
import { DISK_CALLS, injecting, killedBy } from '../harness/strace.ts'
import type { DiskCall } from '../harness/strace.ts'
import { missing } from '../harness/tools.ts'

/** The process ends in the middle of anything: row 12 of the fault table. */
const RATE = 3_000
const KILLS = { short: 4, long: 200 }
/** With the smallest segments, some are closed and removed between two kills. */
const SMALL_SEGMENTS = () => ({ extensions: { file_storage: { segment_size: '64KiB' } } })

/** Half of the time there is no backend, so that there is something to be lost. */
function backendOf(scene: Scene): (isUp: boolean) => Promise<void> {
  let was = true
  return async (isUp) => {
    if (isUp !== was) await scene.sink.call(isUp ? 'up' : 'down')
    was = isUp
  }
}

const killedAtRandom: Row = {
  name: 'kill-at-random',
  about:
    'kill -9 at any moment, also while it starts, with and without a backend: what was acknowledged is there after each start.',
  queues: ['disk'],
  short: ['disk'],
  scene: { retry: 60_000, config: SMALL_SEGMENTS },
  mayDouble: 'what was on its way, or settled since the last checkpoint, is sent again after a kill',
  async run(scene) {
    const kills = scene.long ? KILLS.long : KILLS.short
    const backend = backendOf(scene)
    let slowest = 0
    await scene.load(RATE)
    for (let round = 0; round < kills; round++) {
      await backend(round % 2 === 1)
      await scene.last(scene.random.integer(0, 500))
      await scene.telegen.kill()
      // Now and then again before it is ready.
      if (scene.random.integer(0, 3) === 0) {
        scene.telegen.launch()
        await scene.last(scene.random.integer(0, 1_500))
        await scene.telegen.kill()
        scene.strike(1, 'kill -9')
      }
      await scene.telegen.start()
      slowest = Math.max(slowest, scene.telegen.startedIn)
      scene.strike(1, 'kill -9')
    }
    await backend(true)
    scene.heal()
    scene.note(`the slowest start took ${slowest} ms`)
  },
}

interface Moment {
  readonly call: DiskCall
  readonly nth: number
}

const SHORT_MOMENTS: readonly Moment[] = [
  { call: 'pwritev', nth: 3 },
  { call: 'fdatasync', nth: 5 },
]
const LONG_MOMENTS: readonly Moment[] = DISK_CALLS.flatMap((call) =>
  [1, 2, 3, 5, 8, 13, 40].map((nth) => ({ call, nth })),
)
/** How long a moment is waited for: some calls are rare. */
const MOMENT_MS = 6_000

const killedAtCall: Row = {
  name: 'kill-at-system-call',
  about:
    'The process is killed at its n-th write, fsync, rename, removal, …: the next one finds a store that it can read, and all of it.',
  queues: ['disk'],
  missing: () => missing('strace'),
  scene: { retry: 60_000, config: SMALL_SEGMENTS },
  mayDouble: 'what was on its way, or settled since the last checkpoint, is sent again after a kill',
  async run(scene) {
    const moments = scene.long ? LONG_MOMENTS : SHORT_MOMENTS
    const backend = backendOf(scene)
    const unmet: string[] = []
    await scene.load(RATE)
    for (const [round, { call, nth }] of moments.entries()) {
      await scene.telegen.kill()
      await backend(round % 2 === 1)
      const log = join(scene.directory, `strace-${round}`)
      scene.telegen.options = {
        ...scene.telegen.options,
        under: injecting([call], `signal=KILL:when=${nth}`, log),
      }
      scene.telegen.launch()
      for (const end = performance.now() + MOMENT_MS; scene.telegen.isRunning && performance.now() < end;)
        await scene.last(20)
      if (scene.telegen.isRunning) unmet.push(`${call} ${nth}`)
      else scene.strike(killedBy(log) ? 1 : 0, 'kills at a system call')
    }
    await scene.telegen.kill()
    scene.telegen.options = { ...scene.telegen.options, under: [] }
    await backend(true)
    await scene.telegen.start()
    scene.heal()
    if (unmet.length > 0) scene.note(`not met within ${MOMENT_MS} ms: ${unmet.join(', ')}`)
  },
}

export const killRows: readonly Row[] = [killedAtRandom, killedAtCall]
