import type { Clock, Timer } from '../../component/clock.ts'
import type { Log } from '../../component/context.ts'
import type { LogLevel, Tap, Tapped, TapSide } from '../../component/control.ts'
import type { ComponentStatus } from '../../component/status.ts'
import type { Loaded } from '../../config/load.ts'
import { batchOf } from '../../data/batch.ts'
import type { Measured, Metrics } from '../../graph/metrics.ts'
import { messagesOf } from '../fault-lines.ts'
import { CrewMetrics } from './crew-metrics.ts'
import { lasting, mergedMeasurements } from './merge.ts'
import type { Look, TappedBytes, Terms } from './messages.ts'
import { WorkerProcess } from './worker-process.ts'
import type { Ending } from './worker-process.ts'

/** How long a worker may take to start, to make what a configuration needs, and to answer how it is, in milliseconds. */
const START = 30_000
const PREPARE = 30_000
const LOOK = 2_000
/** What starts in a worker during a reload may take this long, on top of what goes. */
const RELOAD = 45_000
/** How often workers are looked at, in milliseconds: what is told of them between is as old as this. */
const LOOK_EVERY = 1_000
/** A worker that has said nothing for so long is taken to hang, and ended, in milliseconds. */
const STUCK = 60_000
/** How long a worker may take to end after what it has left was to be dropped, in milliseconds. */
const END = 5_000
/** Milliseconds before a worker that has ended is started again; doubled for each time, until one has lived for `PROVEN`. */
const FIRST_WAIT = 500
const LONGEST_WAIT = 30_000
const PROVEN = 60_000

export interface CrewOptions {
  /** The module that workers run. */
  readonly entry: URL
  readonly terms: Omit<Terms, 'index'>
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** Runs something when no reload is under way. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>
  /** Aborts when the program is to stop: nobody is started any more. */
  readonly stopping: AbortSignal
}

/** A place for a worker: who is there now, and what is known of it. */
interface Post {
  readonly index: number
  worker: WorkerProcess | undefined
  look: Look | undefined
  /** When it answered last, and when it started, by the monotonic clock. */
  heardAt: number
  startedAt: number
  failures: number
  again: Timer | undefined
}

interface OpenTap {
  readonly target: string
  readonly side: TapSide | undefined
  readonly listener: (tapped: Tapped) => void
}

/** The processes beside the first. It starts and stops them, leads them over into other configurations, and knows how they are. */
export class Crew {
  readonly #options: CrewOptions
  readonly #posts: readonly Post[]
  readonly #metrics: CrewMetrics
  readonly #taps = new Map<number, OpenTap>()
  #lastTap = 0
  /** What of ended workers' measurements goes on. */
  #past: Measured[] = []
  #loaded: Loaded | undefined
  /** Those that have gone over to a configuration that is not in effect yet, and whether they were started for it. */
  #changed: { readonly worker: WorkerProcess; readonly isNew: boolean }[] = []
  #looking: Promise<readonly Look[]> | undefined
  #timer: Timer | undefined
  #level: LogLevel

  constructor(options: CrewOptions) {
    this.#options = options
    this.#level = options.terms.logs.level
    this.#posts = Array.from({ length: options.terms.workers - 1 }, (_, index) => ({
      index: index + 2,
      worker: undefined,
      look: undefined,
      heardAt: 0,
      startedAt: 0,
      failures: 0,
      again: undefined,
    }))
    this.#metrics = new CrewMetrics(options.metrics, () => this.#running.length + 1)
  }

  /** How workers were, at most `LOOK_EVERY` ago. */
  get lastLooks(): readonly Look[] {
    return this.#posts.flatMap(({ worker, look }) => (worker && look) ?? [])
  }

  statuses(): readonly (readonly ComponentStatus[])[] {
    return this.lastLooks.map((each) => each.statuses)
  }

  /** With what they, and those before them, have measured. */
  async measured(own: readonly Measured[]): Promise<Measured[]> {
    const looks = await this.look()
    return mergedMeasurements([own, this.#past, ...looks.map((each) => each.measured)])
  }

  /** The same as it was at the last look. */
  lastMeasured(own: readonly Measured[]): Measured[] {
    return mergedMeasurements([own, this.#past, ...this.lastLooks.map((each) => each.measured)])
  }

  /** Asks all how they are now. Of one that does not answer, the last is known. Never rejects. */
  look(): Promise<readonly Look[]> {
    this.#looking ??= this.#lookAtAll().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  /** Lets go over to `loaded` what runs, and starts what does not: to be followed by `settle` or `goBack`. */
  async become(loaded: Loaded, isNeeded: boolean, drain: number, abort: AbortSignal): Promise<void> {
    const late = AbortSignal.timeout(drain + RELOAD)
    const going = this.#running.map(async (worker) => {
      const leaveOff = () => worker.tell({ kind: 'leave_off' })
      abort.addEventListener('abort', leaveOff, { once: true })
      await worker.ask({ kind: 'become', drain }, late).finally(() => abort.removeEventListener('abort', leaveOff))
      this.#changed.push({ worker, isNew: false })
    })
    const missing = isNeeded ? this.#posts.filter(({ worker, again }) => !worker && !again) : []
    const coming = missing.map(async (post) => {
      const worker = await this.#start(post, loaded, abort)
      this.#changed.push({ worker, isNew: true })
    })
    throwAll(await Promise.allSettled([...going, ...coming]))
  }

  /** Makes what `loaded` needs, everywhere. Rejects where that cannot be: nothing has been touched, `discard` lets go of what was made. */
  async prepare(loaded: Loaded): Promise<void> {
    const late = AbortSignal.timeout(PREPARE)
    throwAll(await Promise.allSettled(this.#running.map((each) => each.ask({ kind: 'prepare', loaded }, late))))
  }

  async discard(): Promise<void> {
    const late = AbortSignal.timeout(PREPARE)
    await Promise.allSettled(this.#running.map((each) => each.ask({ kind: 'discard' }, late)))
  }

  /** What they have become is in effect: whoever starts from now on starts with it. */
  settle(loaded: Loaded, isNeeded: boolean): void {
    this.#loaded = loaded
    this.#changed = []
    this.#timer ??= this.#options.clock.every(LOOK_EVERY, () => this.#lookAfter())
    if (isNeeded) return
    for (const post of this.#posts) void this.#dismiss(post)
  }

  /** What was in effect before is again. Rejects where one cannot go back: it is ended, and started anew with it. */
  async goBack(drain: number): Promise<void> {
    const late = AbortSignal.timeout(drain + RELOAD)
    await Promise.all(
      this.#changed.splice(0).map(async ({ worker, isNew }) => {
        if (isNew) return this.#dismiss(this.#postOf(worker))
        try {
          await worker.ask({ kind: 'go_back', drain }, late)
        } catch (error) {
          this.#options.log.error(
            { worker: worker.index, error: messagesOf(error) },
            'A worker could not go back to the old configuration and is started anew',
          )
          worker.kill()
        }
      }),
    )
  }

  /** All flush and drain until `deadline`; what has not ended then is ended. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#timer?.cancel()
    for (const { again } of this.#posts) again?.cancel()
    await Promise.all(this.#posts.map((post) => this.#dismiss(post, deadline)))
    this.#metrics.forget()
  }

  set logLevel(level: LogLevel) {
    this.#level = level
    for (const worker of this.#running) worker.tell({ kind: 'log_level', level })
  }

  /** Hands over what passes at `target` in the workers, until it is closed. */
  tap(target: string, listener: (tapped: Tapped) => void, side: TapSide | undefined): Pick<Tap, 'close'> {
    const tap = ++this.#lastTap
    this.#taps.set(tap, { target, side, listener })
    for (const worker of this.#running) worker.tell({ kind: 'tap', tap, target, side })
    const close = () => {
      this.#taps.delete(tap)
      for (const worker of this.#running) worker.tell({ kind: 'untap', tap })
    }
    return { close }
  }

  get #running(): readonly WorkerProcess[] {
    return this.#posts.flatMap(({ worker }) => (worker?.isRunning ? worker : []))
  }

  #postOf(worker: WorkerProcess): Post {
    return this.#posts[worker.index - 2] as Post
  }

  async #start(post: Post, loaded: Loaded, abort?: AbortSignal): Promise<WorkerProcess> {
    const { entry, terms, clock } = this.#options
    const { index } = post
    const worker: WorkerProcess = new WorkerProcess(entry, index, (tap, tapped) => this.#show(worker, tap, tapped))
    const late = AbortSignal.any([AbortSignal.timeout(START), ...(abort ? [abort] : [])])
    const logs = { ...terms.logs, level: this.#level }
    try {
      await worker.ask({ kind: 'start', loaded, ...terms, logs, index }, late)
    } catch (error) {
      worker.kill()
      throw error
    }
    post.worker = worker
    post.startedAt = post.heardAt = clock.monotonic()
    for (const [tap, { target, side }] of this.#taps) worker.tell({ kind: 'tap', tap, target, side })
    void worker.ended.then((ending) => this.#ended(post, worker, ending))
    return worker
  }

  /** Somebody has ended that was not told to. */
  #ended(post: Post, worker: WorkerProcess, ending: Ending): void {
    if (post.worker !== worker) return
    const { clock, log } = this.#options
    post.worker = undefined
    const lost = post.look?.open ?? 0
    this.#metrics.ended(lost)
    this.#bury(post)
    if (clock.monotonic() - post.startedAt > PROVEN) post.failures = 0
    log.error(
      { worker: post.index, pid: worker.pid, ending, lost },
      'A worker has ended unexpectedly. Batches that it held are lost unless their senders send them again; the others serve on, and it is started anew',
    )
    this.#startLater(post)
  }

  /** Its counts go on in those of the others. */
  #bury(post: Post): void {
    if (post.look) this.#past = mergedMeasurements([this.#past, lasting(post.look.measured)])
    post.look = undefined
  }

  #startLater(post: Post): void {
    const { clock, log, inTurn, stopping } = this.#options
    if (stopping.aborted) return
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(post.failures++, 10))
    post.again = clock.after(wait, () => {
      const start = async () => {
        post.again = undefined
        if (stopping.aborted || post.worker || !this.#loaded) return
        try {
          const { pid } = await this.#start(post, this.#loaded, stopping)
          this.#metrics.restarted()
          log.info({ worker: post.index, pid }, 'A worker is there again')
        } catch (error) {
          log.error({ worker: post.index, error: messagesOf(error) }, 'A worker could not be started')
          this.#startLater(post)
        }
      }
      void inTurn(start)
    })
  }

  async #dismiss(post: Post, deadline = AbortSignal.timeout(START)): Promise<void> {
    post.again?.cancel()
    post.again = undefined
    const { worker } = post
    if (!worker) return
    const hurry = () => worker.tell({ kind: 'hurry' })
    if (deadline.aborted) hurry()
    else deadline.addEventListener('abort', hurry, { once: true })
    const end = lateAfter(deadline, END, this.#options.clock)
    // From here on its end is expected.
    post.worker = undefined
    try {
      post.look = await worker.ask<Look>({ kind: 'stop' }, end)
    } catch (error) {
      this.#options.log.error({ worker: worker.index, error: messagesOf(error) }, 'A worker did not stop cleanly')
      worker.kill()
    }
    this.#bury(post)
    await worker.ended
  }

  async #lookAtAll(): Promise<readonly Look[]> {
    const { clock } = this.#options
    await Promise.all(
      this.#posts.map(async (post) => {
        const { worker } = post
        if (!worker) return
        try {
          const look = await worker.ask<Look>({ kind: 'look' }, AbortSignal.timeout(LOOK))
          if (post.worker !== worker) return
          post.look = look
          post.heardAt = clock.monotonic()
        } catch {
          // It is busy, or has just ended, which is told of elsewhere: what was known of it stands.
        }
      }),
    )
    return this.lastLooks
  }

  #lookAfter(): void {
    void this.look()
    const { clock, log } = this.#options
    for (const { worker, heardAt, index } of this.#posts)
      if (worker && clock.monotonic() - heardAt > STUCK) {
        log.error({ worker: index, pid: worker.pid }, 'A worker has not answered for a minute and is ended')
        worker.kill()
      }
  }

  #show(worker: WorkerProcess, tap: number, { pipeline, from, to, signal, items, bytes }: TappedBytes): void {
    worker.tell({ kind: 'seen', tap })
    const open = this.#taps.get(tap)
    if (!open) return
    const batch = batchOf(signal, items, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    open.listener({ pipeline, from, to, batch })
    batch.release()
  }
}

/** Aborts `grace` milliseconds after `deadline`. */
function lateAfter(deadline: AbortSignal, grace: number, clock: Clock): AbortSignal {
  const late = new AbortController()
  const begin = () => clock.after(grace, () => late.abort(new Error('it has not stopped in time')))
  if (deadline.aborted) begin()
  else deadline.addEventListener('abort', begin, { once: true })
  return late.signal
}

function throwAll(results: readonly PromiseSettledResult<unknown>[]): void {
  const errors = results.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []))
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new AggregateError(errors, errors.map(({ message }) => message).join('; '))
}
