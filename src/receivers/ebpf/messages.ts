import type { ProcessNews, Signal } from '../../plugin.ts'
import type { SelectionOptions } from './processes/selection-options.ts'
import type { Counts } from './tally.ts'

/** What the worker is given when it begins: plain data. */
export interface WorkerStart {
  /** Of the ring's map, in this process. */
  readonly ring: number
  /** The tracers whose programs run, with their options. */
  readonly tracers: readonly TracerStart[]
  /** Signals that leave the receiver. */
  readonly signals: readonly Signal[]
  /** The receiver's options. */
  readonly config: WorkerConfig
  /** This process and the loader's: never traced. */
  readonly ownPids: readonly number[]
  /** Whether other components follow what processes do. */
  readonly isFollowed?: boolean
}

export interface TracerStart {
  readonly name: string
  readonly options: unknown
}

/** Of the receiver's options what the worker needs; milliseconds. */
export interface WorkerConfig {
  readonly selection: SelectionOptions
  readonly rootPath: string
  readonly metricsInterval: number
  readonly flushInterval: number
  readonly series: number
  readonly eventsPerSecond: number
  readonly batchItems: number
}

export type FromWorker =
  | { readonly kind: 'running' }
  | BatchMessage
  /** Pairs of a pid and its verdict, as `bpf/include/event.h` has them. */
  | { readonly kind: 'verdicts'; readonly verdicts: readonly (readonly [pid: number, verdict: number])[] }
  | { readonly kind: 'counts'; readonly counts: Counts | undefined; readonly pending: number }
  /** What processes did, for those who follow them; `missed` could not be held. */
  | { readonly kind: 'news'; readonly news: readonly ProcessNews[]; readonly missed: number }
  /** What a tracer threw, a sentence each. */
  | { readonly kind: 'faults'; readonly faults: readonly string[] }
  /** All has been read and sent; the thread ends. */
  | { readonly kind: 'ended' }

/** An encoded request: the first `bytes` of `crate`, which comes back once they have been taken. */
export interface BatchMessage {
  readonly kind: 'batch'
  readonly signal: Signal
  readonly items: number
  readonly bytes: number
  readonly crate: ArrayBuffer
}

export type ToWorker =
  /** A crate that has been emptied. */
  | { readonly kind: 'crate'; readonly signal: Signal; readonly crate: ArrayBuffer }
  /** Whether other components follow what processes do, from now on. */
  | { readonly kind: 'follow'; readonly isFollowed: boolean }
  /** Reads what is there, sends it, and ends. */
  | { readonly kind: 'end' }
