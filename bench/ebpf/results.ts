import type { Difference } from './paired.ts'

/** What tracers cost something that is done, beside the same without them. */
export interface CostRow {
  readonly scenario: string
  readonly tracers: string
  readonly what: string
  readonly unit: 'us' | 'ns'
  readonly without: number
  readonly added: Difference
  /** Events that found no room in the ring. */
  readonly lost: number
}

/** A program of the kernel's side, for each operation of the scenario. */
export interface ProgramRow {
  readonly tracer: string
  readonly rung: string
  readonly program: string
  readonly operation: string
  readonly runs: number
  /** Of a run. */
  readonly nanoseconds: number
  /** Of all its runs. */
  readonly microseconds: number
}

/** Bytes. */
export interface MemoryRow {
  readonly of: string
  readonly maps: number
  readonly programs: number
}

/** The agent's own process at a steady load. */
export interface AgentRow {
  readonly rate: number
  /** Whether the client, on the same host, is traced as well. */
  readonly sides: 'server' | 'both'
  readonly output: 'nop' | 'otlp_grpc'
  readonly wanted: number | undefined
  readonly reached: number
  /** Share of one core, all threads. */
  readonly core: number
  readonly perRequestUs: number
  readonly residentBytes: number
}

/** A load that was not held proves nothing of what was promised at it. */
export function verdictOf({
  wanted,
  core,
  rate,
  reached,
}: AgentRow): 'kept' | 'missed' | 'rate not reached' | undefined {
  if (wanted === undefined) return undefined
  if (core >= wanted) return 'missed'
  return reached < rate * RATE_HELD ? 'rate not reached' : 'kept'
}

const RATE_HELD = 0.98

export interface IdleRow {
  readonly core: number
  readonly residentBytes: number
  readonly seconds: number
}

/** Events of 64 bytes, from the kernel into the receiver's thread. */
export interface RingRow {
  readonly rate: number
  readonly seconds: number
  readonly read: number
  readonly lost: number
  readonly neverWritten: number
  /** Of a CPU, an event. */
  readonly microseconds: number
  readonly core: number
  /** Whether every call of the generator was seen. */
  readonly isWhole: boolean
}

/** What TypeScript takes, microseconds an item. */
export interface DecodeRow {
  readonly name: string
  readonly item: string
  readonly microseconds: number
  readonly wanted: number | undefined
}

/** All that the page tells. */
export interface Results {
  readonly machine: string
  readonly date: string
  /** The load average when it began: what others did on the machine. */
  readonly loadAverage: number
  readonly costs: readonly CostRow[]
  readonly notMeasured: readonly string[]
  readonly programs: readonly ProgramRow[]
  readonly memory: readonly MemoryRow[]
  readonly idle: IdleRow
  readonly agent: readonly AgentRow[]
  readonly ring: readonly RingRow[]
  readonly decode: readonly DecodeRow[]
}
