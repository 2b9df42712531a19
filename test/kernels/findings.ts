import type { DoctorReport } from '../../src/cli/doctor/report.ts'

/** What was found out on one kernel, from inside; the judging is done outside. */
export interface Findings {
  readonly kernel: string
  readonly doctor: DoctorReport
  readonly programs: readonly ProgramFinding[]
  /** What the receiver said of each tracer, once for each rung that it was held to. */
  readonly tracers: readonly TracerFinding[]
  readonly traffic: Traffic
  /** Lines of OTLP/JSON that the receiver emitted, by rung. */
  readonly lines: Readonly<Record<string, readonly string[]>>
  /** Of Telegen's log what is worse than a warning. */
  readonly errors: readonly string[]
  /** All that it said: shown where something is wrong. */
  readonly log: readonly string[]
}

/** One program of an object, loaded and attached by itself or not. */
export interface ProgramFinding {
  readonly tracer: string
  readonly rung: string
  readonly program: string
  /** Undefined where it was loaded and attached. */
  readonly reason?: string | undefined
  /** The end of the verifier's log, where it wrote one. */
  readonly log?: string | undefined
}

export interface TracerFinding {
  readonly tracer: string
  readonly rung: string
  /** Undefined where it traced. */
  readonly reason?: string | undefined
}

/** What was done while it traced, as those who did it saw it. */
export interface Traffic {
  /** The process that did it. */
  readonly pid: number
  readonly calls: readonly Call[]
  readonly connections: readonly Connections[]
  readonly refused: { readonly pid: number; readonly port: number }
  readonly queries: readonly Query[]
  readonly queryPort: number
  readonly processes: readonly Program[]
}

/** A request over HTTP. Paths are all different; a pid is missing where nobody knows it. */
export interface Call {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly port: number
  readonly client: number
  readonly server?: number | undefined
}

/** TCP connections to a port, all closed by now. */
export interface Connections {
  readonly port: number
  readonly count: number
}

export interface Query {
  readonly name: string
  readonly code: string
  readonly addresses: readonly string[]
}

/** A program that was started. */
export interface Program {
  readonly pid: number
  readonly arguments: readonly string[]
  readonly code: number | null
  readonly signal: string | null
}
