import type { FeedProcess, Log, ProcessFeed, ProcessListener, ProcessNews } from '../../../plugin.ts'
import type { KnownProcess } from './known-process.ts'
import { PROCESSES_MAX } from './table.ts'
import type { ProcessTable } from './table.ts'

export interface FeedHubOptions {
  readonly log: Log
  /** Reads `/proc` for `find`; made when it is first asked. */
  readonly table: () => ProcessTable
  /** Called when the first listener comes and when the last goes. */
  readonly onWanted: (isWanted: boolean) => void
}

/** Components that follow the processes of one machine: a handful. */
const LISTENERS_MAX = 64

/** What the receiver offers of the processes that its thread sees. Listeners may come before it opens. */
export class FeedHub implements ProcessFeed {
  readonly #options: FeedHubOptions
  readonly #listeners = new Set<{ readonly listener: ProcessListener }>()
  /** Those that were told of and run, the oldest first. */
  readonly #running = new Map<number, FeedProcess>()
  #table: ProcessTable | undefined

  constructor(options: FeedHubOptions) {
    this.#options = options
  }

  get isWanted(): boolean {
    return this.#listeners.size > 0
  }

  subscribe(listener: ProcessListener): () => void {
    if (this.#listeners.size >= LISTENERS_MAX) throw new Error(`more than ${LISTENERS_MAX} listeners to processes`)
    const entry = { listener }
    this.#listeners.add(entry)
    if (this.#listeners.size === 1) this.#options.onWanted(true)
    return () => {
      if (!this.#listeners.delete(entry) || this.#listeners.size > 0) return
      // Nobody is told of their ends any more.
      this.#running.clear()
      this.#options.onWanted(false)
    }
  }

  find(pid: number): FeedProcess | undefined {
    const told = this.#running.get(pid)
    if (told) return told
    this.#table ??= this.#options.table()
    this.#table.sweep()
    const found = this.#table.of(pid) as KnownProcess
    if (found.facts?.start === undefined) return undefined
    const { name, executable, traced, resource, facts } = found
    return { pid, name, executable, traced, resource, parent: facts.parent }
  }

  /** From the thread that sees them. */
  hear(news: readonly ProcessNews[], missed: number): void {
    if (missed > 0) this.#running.clear()
    for (const each of news) this.#note(each)
    for (const { listener } of this.#listeners)
      try {
        if (missed > 0) listener.missed?.(missed)
        if (news.length > 0) listener.news(news)
      } catch (error) {
        this.#options.log.error({ error }, 'A listener to processes threw')
      }
  }

  #note({ kind, process }: ProcessNews): void {
    this.#running.delete(process.pid)
    if (kind !== 'started' || !this.isWanted) return
    if (this.#running.size >= PROCESSES_MAX) this.#running.delete(this.#running.keys().next().value as number)
    this.#running.set(process.pid, process)
  }
}
