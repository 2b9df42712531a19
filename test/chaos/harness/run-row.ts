import { account } from './oracle.ts'
import { Random } from './random.ts'
import type { Queue, Result, Row } from './row.ts'
import { Scene } from './scene.ts'

export interface RunOptions {
  readonly seed: number
  readonly long: boolean
  readonly minutes?: number
  readonly main?: string | undefined
  /** How long nothing may arrive until what is missing is taken for lost, milliseconds. */
  readonly quiet?: number
}

/** How long everything that was acknowledged may take to arrive after the fault is over. */
const DRAIN_MS = 600_000
const FAULT_LINES = 8
const QUIET_MS = 20_000
/** The same where a row may lose. */
const QUIET_LOSING_MS = 3_000
const POLL_MS = 50

/** Runs a row with one queue and judges what came of it. What the harness itself does wrong is a fault too. */
export async function runRow(row: Row, queue: Queue, options: RunOptions): Promise<Result> {
  const name = row.queues.length > 1 ? `${row.name}/${queue}` : row.name
  const missing = row.missing?.()
  const none = { issued: 0, acknowledged: 0, delivered: 0, lost: 0, duplicated: 0, recovery: undefined }
  if (missing !== undefined)
    return { name, ...none, struck: 0, what: '', seconds: 0, notes: [], faults: [], skipped: missing }
  const began = performance.now()
  const seconds = () => Math.round((performance.now() - began) / 100) / 10
  let scene: Scene | undefined
  try {
    scene = await Scene.open(row.scene ?? {}, { queue, random: new Random(options.seed), ...options })
    await row.run(scene)
    return {
      name,
      ...(await conclude(row, scene, row.mayLose ? QUIET_LOSING_MS : (options.quiet ?? QUIET_MS))),
      seconds: seconds(),
    }
  } catch (error) {
    const { struck = 0, what = '', notes = [], faults = [] } = scene ?? {}
    const fault = shortened(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return { name, ...none, struck, what, seconds: seconds(), notes, faults: [...faults, fault] }
  } finally {
    await scene?.close()
  }
}

/** A few lines: rows are read as a table. */
const shortened = (text: string) => text.split('\n').slice(0, FAULT_LINES).join('\n')

async function conclude(row: Row, scene: Scene, quiet: number): Promise<Omit<Result, 'name' | 'seconds'>> {
  const { generator, sink, faults } = scene
  await generator.call('stop')
  scene.heal()
  const recovery = await scene.recovery
  if (recovery === undefined) faults.push('no fresh record came through after the fault was over')
  await drained(scene, quiet)
  for (const telegen of new Set([scene.telegen, scene.gateway])) {
    const exit = await telegen.stop()
    if (exit !== 0) faults.push(`Telegen ended with ${exit}`)
    const stray = telegen.output.split('\n').find((line) => line.includes('where nobody could catch it'))
    if (stray && !row.mayEscape) faults.push(stray)
  }
  const [sent, took] = await Promise.all([generator.call('ledger'), sink.call('ledger')])
  const { lostFrom, unexplained, invented, ...counts } = account(sent, took)
  if (scene.struck === 0) faults.push('the fault did not strike: the harness proved nothing')
  if (counts.lost > 0 && !row.mayLose)
    faults.push(`${counts.lost} acknowledged records were lost: ${lostFrom.join(', ')}…`)
  if (unexplained > 0 && !row.mayDouble) faults.push(`${unexplained} duplicates that nothing explains`)
  if (invented > 0) faults.push(`${invented} records were altered or never issued`)
  if (counts.acknowledged === 0) faults.push('nothing was ever acknowledged')
  if (faults.length > 0) scene.note(`answers ${JSON.stringify(sent.answers)}`)
  return { ...counts, recovery, struck: scene.struck, what: scene.what, notes: scene.notes, faults }
}

/** Until all has arrived, or nothing has for so long. */
async function drained(scene: Scene, quiet: number): Promise<void> {
  const { generator, sink } = scene
  const { size, acknowledged } = await generator.call('ledger')
  let missing = Infinity
  let changed = performance.now()
  for (const end = changed + DRAIN_MS; performance.now() < end; await scene.last(POLL_MS)) {
    const now = await sink.call('missing', { size, acknowledged })
    if (now !== missing) changed = performance.now()
    if (now === 0 || performance.now() - changed > quiet) return
    missing = now
  }
}
