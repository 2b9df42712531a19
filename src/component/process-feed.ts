import type { Attributes } from '../data/builders/attributes.ts'
import { Capability } from './capability.ts'

/**
 * Processes that start and end on this machine, as they are seen in the kernel: short ones too. The receiver `ebpf` offers it while its tracer
 * `exec` runs; a component finds it by `context.extension(ProcessFeed, 'ebpf')`, in its `start`.
 */
export interface ProcessFeed {
  /**
   * Calls `listener` with what happens from now on, in order, some hundred milliseconds late at most. Returns how to stop it. What is told
   * is held for no one: a listener that keeps something bounds it.
   */
  subscribe(listener: ProcessListener): () => void
  /**
   * The process that has this pid now, or had it until a few seconds ago. Undefined where nobody has seen it and `/proc` does not have it, and
   * before the receiver has opened. Reads `/proc` of a process that it has not met: not to be asked for each record.
   */
  find(pid: number): FeedProcess | undefined
}

export const ProcessFeed = new Capability<ProcessFeed>('process feed')

export interface ProcessListener {
  /** What has happened since the last time: some, at most thousands. Must not throw; what it throws is logged. */
  news(news: readonly ProcessNews[]): void
  /** So many could not be told: more happened at once than is held, or the kernel's ring was full. Who keeps a list of processes looks at `/proc` again. */
  missed?(count: number): void
}

/** Time is nanoseconds since 1970. */
export type ProcessNews =
  /** It has become another program; the same pid may do so again. */
  | { readonly kind: 'started'; readonly time: bigint; readonly process: FeedProcess }
  /** Its last thread has ended. One of `code` and `signal` is there. */
  | {
      readonly kind: 'exited'
      readonly time: bigint
      readonly process: FeedProcess
      readonly code?: number | undefined
      /** `SIGKILL`. */
      readonly signal?: string | undefined
      /** Seconds that it has lived, and that it has had a processor. */
      readonly duration: number
      readonly processorTime: number
    }

/** Plain data: it has come from another thread. */
export interface FeedProcess {
  readonly pid: number
  readonly name: string
  /** Path, where it is known. */
  readonly executable?: string | undefined
  readonly parent?: number | undefined
  /** Of a program that was seen starting; redacted by the rules of the tracer. */
  readonly arguments?: readonly string[] | undefined
  /** Whether the receiver's selection has it. */
  readonly traced: boolean
  /** `process.*`, `service.name`, `container.id`, … */
  readonly resource: Attributes
}
