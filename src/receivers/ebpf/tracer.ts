import type { Rung } from '../../native.ts'
import type { Attributes, ExemplarFields, LogFields, ProcessNews, Signal, SpanFields } from '../../plugin.ts'

/**
 * A tracer is one folder of `bpf/` and one of `tracers/`: programs that see something, and what makes telemetry of it. It is plain data and one
 * function, so that the privileged side can load its programs, `telegen doctor` can say which it would use, and a worker thread can run it.
 */
export interface TracerDefinition<Options> {
  /** As under `tracers:`. */
  readonly name: string
  readonly rungs: readonly Rung[]
  /** Signals that it can emit with these options. */
  readonly signals: (options: Options) => readonly Signal[]
  /** Constants and map sizes of the programs, from the options. */
  readonly constants: (options: Options) => Readonly<Record<string, Uint8Array>>
  readonly mapSizes: (options: Options) => Readonly<Record<string, number>>
  /** What the programs count beside what all do: from `COUNTER_OWN` of `bpf/include/event.h` on, in order. */
  readonly counters?: readonly TracerCounter[]
  /** Other components may follow what it sees (`ProcessFeed`): then it runs, whatever leaves the receiver. */
  readonly isFollowed?: boolean
  /** Called in the worker thread. Does no I/O. */
  readonly create: (context: TracerContext, options: Options) => Tracer
}

export interface TracerCounter {
  /** `connection_unknown`: the reason in `telegen.ebpf.dropped`, or what it is in `telegen.ebpf.noted`. */
  readonly name: string
  /** Whether something was lost. */
  readonly lost: boolean
}

export interface Tracer {
  /** Types of event that it reads. */
  readonly types: readonly number[]
  /**
   * One event, whole, at `at` in `buffer`, `length` bytes with its header; gone when it returns. Bytes may be anything: what cannot be
   * read is counted by `context.drop`, never thrown.
   */
  event(buffer: Buffer, at: number, length: number): void
  /** Every `TICK_MS`, and once before the end: lets go of what waited too long. `now` is CLOCK_MONOTONIC, nanoseconds. */
  tick?(now: number): void
}

/** What a tracer is given. */
export interface TracerContext {
  readonly processes: Processes
  /** Where the host's `/proc` is; `/proc` where nothing is said. */
  readonly procPath?: string | undefined
  /** Nanoseconds since 1970 of a time of the kernel's. */
  wall(time: number): bigint
  /** Whether this signal leaves the receiver: what is not wanted is not made. */
  wants(signal: Signal): boolean
  span(process: Process, span: SpanFields): void
  /** Without an `observedTime` it is observed now. */
  record(process: Process, record: LogFields): void
  /** An instrument under a name, made once. Its series are bounded (`limits::series`); beyond, one series with `otel.metric.overflow`. */
  histogram(name: string, options: InstrumentAbout & { readonly boundaries: readonly number[] }): Histogram
  counter(name: string, options: InstrumentAbout): Counter
  /** Read whenever metrics are collected: emits what is true then. */
  gauge(
    name: string,
    options: InstrumentAbout,
    read: (emit: (process: Process, value: number, attributes: Attributes) => void) => void,
  ): void
  /** Something was seen and is lost: counted as `telegen.ebpf.dropped` by tracer and reason. */
  drop(reason: string, amount?: number): void
  /** Something worth knowing that is no loss: counted as `telegen.ebpf.noted` by tracer and what it is. */
  note(what: string, amount?: number): void
  /** What other components are told that listen to the processes of this machine. Missing where nobody does. */
  tell?(news: ProcessNews): void
}

export interface InstrumentAbout {
  readonly unit: string
  readonly description: string
  /** Values are integers. */
  readonly int?: boolean
}

/** Attributes that are used again and again are best frozen: their series is then found by the object, without a look at what stands in it. */
export interface Histogram {
  record(process: Process, value: number, attributes: Attributes, exemplar?: ExemplarFields): void
}

export interface Counter {
  add(process: Process, value: number, attributes: Attributes): void
}

/** A process that was seen. */
export interface Process {
  readonly pid: number
  /** `comm`, 15 bytes. */
  readonly name: string
  /** Path of its executable, where it could be read. */
  readonly executable?: string | undefined
  /** False where the selection leaves it out: nothing of it is emitted. Only a first answer until `/proc` has been read. */
  readonly traced: boolean
  /** `process.*`, `service.name`, `container.id`, …: what stands in the resource. The same object for as long as it holds. */
  readonly resource: Attributes
}

export interface Processes {
  /**
   * The process with this id, read from /proc when it is first seen. `name` is what the kernel told of it, for one that is gone already.
   * Never undefined: of a process that nobody could look at, the pid and the name are known, and nothing else is said.
   */
  of(pid: number, name?: string): Process
  /** Of no process: what a device or the kernel itself did. */
  readonly host: Process
  /** What the tracer `exec` has seen: a process has become another program. */
  started?(started: Started): Process
  /** Its last thread has ended. */
  exited?(pid: number): void
}

/** A program that a process has become, as the tracer `exec` saw it. */
export interface Started {
  readonly pid: number
  readonly parent: number
  readonly name: string
  /** Clock ticks from boot. */
  readonly start: number
  readonly executable: string | undefined
  readonly arguments: readonly string[]
  readonly user: number
  /** Id of its cgroup in the hierarchy of cgroup2. */
  readonly cgroupId: bigint
}

/** Milliseconds between two ticks. */
export const TICK_MS = 200
