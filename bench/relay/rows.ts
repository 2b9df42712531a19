/** What is kept of a measurement: plain data. */
import { loadavg } from 'node:os'
import type { Carried } from './carry.ts'
import type { Contest, Effort, Score } from './contest.ts'
import type { LatencyContest } from './latency.ts'
import { nameOf, promised, SIGNALS } from './scenario.ts'
import {
  coreShare,
  itemsPerCpuSecond,
  memoryRatio,
  peak,
  peer,
  type Ratio,
  ratio,
  requestsPerCpuSecond,
  total,
  typical,
} from './statistics.ts'

export interface Results {
  readonly machine: string
  readonly relay: readonly RelayRow[]
  readonly latency?: LatencyRow
  readonly floor: readonly FloorRow[]
}

export interface Measured {
  readonly date: string
  readonly rounds: number
  readonly windowMs: number
  /** Processes that wanted to run, at the end: more than two where others were at work on the machine, too. */
  readonly loadAverage: number
}

export interface ProgramRow {
  readonly name: string
  readonly requests: number
  readonly items: number
  readonly core: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly peakBytes: number
  readonly sent: number
  readonly arrived: number
  readonly failed: number
  readonly lost: number
  readonly doubled: number
}

export interface RelayRow extends Measured {
  readonly name: string
  readonly keptShare: number
  readonly programs: readonly ProgramRow[]
  readonly peer?: string
  readonly ratio?: Ratio
  /** Of the peaks, to the Collector at GOGC=400. */
  readonly memoryRatio?: number
  readonly wanted?: number
}

export interface LatencyRow extends Measured {
  readonly name: string
  readonly rate: number
  readonly programs: readonly ProgramRow[]
}

export interface FloorRow {
  readonly date: string
  readonly name: string
  readonly minutes: number
  readonly cores: number
  readonly peakBytes: number
  readonly usualBytes: number
  readonly inBytes: number
  readonly outBytes: number
  readonly items: number
  readonly failed: number
  readonly lost: number
  readonly doubled: number
}

export function relayRow({ scenario, scores, keptShare }: Contest, effort: Effort, date: string): RelayRow {
  const [telegen] = scores
  const other = peer(scores, requestsPerCpuSecond)
  const wanted = promised(scenario)
  const memory = memoryRatio(scores)
  return {
    ...measured(effort, date),
    name: nameOf(scenario),
    keptShare,
    programs: scores.map(programRow),
    ...(telegen !== undefined &&
      other !== undefined && {
        peer: other.name,
        ratio: ratio(telegen, other, requestsPerCpuSecond),
      }),
    ...(memory !== undefined && { memoryRatio: memory }),
    ...(wanted !== undefined && { wanted }),
  }
}

export function latencyRow({ scenario, rate, scores }: LatencyContest, effort: Effort, date: string): LatencyRow {
  return { ...measured(effort, date), name: nameOf(scenario), rate, programs: scores.map(programRow) }
}

export function floorRow({ name, minutes, cores, peakBytes, usualBytes, windows }: Carried, date: string): FloorRow {
  const all = SIGNALS.map((signal) => windows[signal])
  const sum = (of: (window: (typeof all)[number]) => number): number =>
    all.reduce((result, window) => result + of(window), 0)
  return {
    date,
    name,
    minutes,
    cores,
    peakBytes,
    usualBytes,
    inBytes: sum(({ sentBytes, wallMs }) => (sentBytes * 1000) / wallMs),
    outBytes: sum(({ arrivedBytes, wallMs }) => (arrivedBytes * 1000) / wallMs),
    items: sum(({ sentItems }) => sentItems),
    failed: sum(({ failed }) => failed),
    lost: sum(({ lost }) => lost),
    doubled: sum(({ doubled, unwanted }) => doubled + unwanted),
  }
}

const measured = ({ rounds, windowMs }: Effort, date: string): Measured => ({
  date,
  rounds,
  windowMs,
  loadAverage: loadavg()[0] ?? Number.NaN,
})

function programRow(score: Score): ProgramRow {
  return {
    name: score.name,
    requests: typical(score, requestsPerCpuSecond),
    items: typical(score, itemsPerCpuSecond),
    core: typical(score, coreShare),
    p50Ms: typical(score, ({ p50Ms }) => p50Ms),
    p99Ms: typical(score, ({ p99Ms }) => p99Ms),
    peakBytes: peak(score),
    sent: total(score, ({ sentItems }) => sentItems),
    arrived: total(score, ({ arrivedItems }) => arrivedItems),
    failed: total(score, ({ failed }) => failed),
    lost: total(score, ({ lost }) => lost),
    doubled: total(score, ({ doubled, unwanted }) => doubled + unwanted),
  }
}
