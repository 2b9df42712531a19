import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../../plugin.ts'
import type { BatchMessage, FromWorker, ToWorker, WorkerStart } from './messages.ts'

/** Milliseconds until a thread that ended by itself is started again: twice as long each time, from the first to the last. */
const FIRST_RESTART = 1_000
const LAST_RESTART = 30_000
/** A thread that ran so long had been well: the next one is started soon. Milliseconds. */
const WAS_WELL = 60_000
/** What its memory may grow to: series, processes and requests that wait for their other half have bounds of their own below it. MiB. */
const HEAP_MIB = 512
/**
 * Of threads that begin after it. V8 begins with 1 MiB and hardly enlarges it, since what is read is gone at once: with that each collection, which wakes
 * four threads, comes after 250 requests.
 */
const YOUNG_GENERATION = '--min-semi-space-size=4'

export interface Hears {
  running(): void
  batch(message: BatchMessage, emptied: () => void): void
  verdicts(verdicts: readonly (readonly [pid: number, verdict: number])[]): void
  counts(message: Extract<FromWorker, { kind: 'counts' }>): void
  news(message: Extract<FromWorker, { kind: 'news' }>): void
  faults(faults: readonly string[]): void
  /** It ended by itself, and is started again in so many milliseconds. */
  died(reason: string, restartIn: number): void
}

/** The thread that reads the ring. One that dies is started again; what it had under way is lost. */
export class WorkerThread {
  #start: WorkerStart
  readonly #clock: Clock
  readonly #hears: Hears
  #worker: Worker | undefined
  #restart: Timer | undefined
  #pause = FIRST_RESTART
  #beganAt = 0
  #isEnding = false
  #onEnded: (() => void) | undefined

  constructor(start: WorkerStart, clock: Clock, hears: Hears) {
    this.#start = start
    this.#clock = clock
    this.#hears = hears
  }

  begin(): void {
    setFlagsFromString(YOUNG_GENERATION)
    const worker = new Worker(entry(), {
      workerData: this.#start,
      name: 'ebpf',
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    })
    this.#worker = worker
    this.#beganAt = this.#clock.monotonic()
    let error: Error | undefined
    worker.on('message', (message: FromWorker) => this.#heard(worker, message))
    worker.on('error', (thrown: unknown) => (error = thrown instanceof Error ? thrown : new Error(String(thrown))))
    worker.on('exit', (code) => this.#exited(worker, error?.message ?? `exit code ${code}`))
  }

  /** Whether other components follow what processes do. */
  follow(isFollowed: boolean): void {
    this.#start = { ...this.#start, isFollowed }
    if (this.#worker) post(this.#worker, { kind: 'follow', isFollowed })
  }

  /** Lets it read and send what is there; ends it hard at the deadline. Resolves when it is gone. */
  async end(deadline: AbortSignal): Promise<void> {
    this.#isEnding = true
    this.#restart?.cancel()
    const worker = this.#worker
    if (!worker) return
    const ended = new Promise<void>((resolve) => (this.#onEnded = resolve))
    const hurry = () => void worker.terminate()
    if (deadline.aborted) hurry()
    deadline.addEventListener('abort', hurry, { once: true })
    post(worker, { kind: 'end' })
    await ended
    deadline.removeEventListener('abort', hurry)
  }

  #heard(worker: Worker, message: FromWorker): void {
    switch (message.kind) {
      case 'running':
        return this.#hears.running()
      case 'batch': {
        const { signal, crate } = message
        // Of a thread that is gone, nobody wants it back.
        return this.#hears.batch(
          message,
          () => this.#worker === worker && post(worker, { kind: 'crate', signal, crate }),
        )
      }
      case 'verdicts':
        return this.#hears.verdicts(message.verdicts)
      case 'counts':
        return this.#hears.counts(message)
      case 'news':
        return this.#hears.news(message)
      case 'faults':
        return this.#hears.faults(message.faults)
      case 'ended':
        // It exits by itself, now that it listens no more.
        return undefined
    }
  }

  #exited(worker: Worker, reason: string): void {
    if (this.#worker === worker) this.#worker = undefined
    if (this.#isEnding) return this.#onEnded?.()
    const ran = this.#clock.monotonic() - this.#beganAt
    const pause = ran >= WAS_WELL ? FIRST_RESTART : this.#pause
    this.#pause = Math.min(pause * 2, LAST_RESTART)
    this.#hears.died(reason, pause)
    this.#restart = this.#clock.after(pause, () => this.begin())
  }
}

/** Beside this one in src/; in dist/ a module of its own, and this one in a chunk. */
const entry = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : '../receivers/ebpf/worker.js', import.meta.url)

function post(worker: Worker, message: ToWorker): void {
  worker.postMessage(message, message.kind === 'crate' ? [message.crate] : [])
}
