import type { Score } from './contest.ts'
import type { Window } from './station.ts'

export interface Ratio {
  readonly median: number
  readonly least: number
  readonly most: number
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

export const requestsPerCpuSecond = ({ requests, cpuMs }: Window): number => (requests * 1000) / cpuMs
export const itemsPerCpuSecond = ({ sentItems, cpuMs }: Window): number => (sentItems * 1000) / cpuMs
/** The share of its core that a program used while it was its turn. */
export const coreShare = ({ cpuMs, wallMs }: Window): number => cpuMs / wallMs

export const typical = ({ windows }: Score, of: (window: Window) => number): number => median(windows.map(of))
export const total = ({ windows }: Score, of: (window: Window) => number): number =>
  windows.reduce((sum, window) => sum + of(window), 0)
export const peak = ({ windows }: Score): number => Math.max(...windows.map(({ peakBytes }) => peakBytes))

/** What one did in a round over what the other did in the same one. */
export function ratio(score: Score, to: Score, of: (window: Window) => number): Ratio {
  const ratios = score.windows.map((window, round) => of(window) / of(to.windows[round]!))
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}

/** The Collector at the better of its settings. */
export function peer(scores: readonly Score[], of: (window: Window) => number): Score | undefined {
  const [, ...others] = scores
  return others.toSorted((left, right) => typical(right, of) - typical(left, of))[0]
}

/** Of the peaks, to the Collector at GOGC=400, which is the last; undefined where nobody else is there. */
export function memoryRatio(scores: readonly Score[]): number | undefined {
  const [telegen, ...others] = scores
  const last = others.at(-1)
  return telegen === undefined || last === undefined ? undefined : peak(telegen) / peak(last)
}
