import type { Measured } from '../graph/metrics.ts'

/** How names are written: `suffixes` adds the unit and `_total`, as Prometheus wants and the Collector does not by default; `utf8` keeps dots, for a scraper that asked for it. */
export interface Naming {
  readonly suffixes: boolean
  readonly utf8: boolean
}

/** Units that names end in, in the words of the OpenMetrics specification. */
const UNITS: Readonly<Record<string, string>> = {
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  '%': 'percent',
}

export function metricName({ name, kind, options: { unit } }: Measured, { suffixes, utf8 }: Naming): string {
  const words = utf8 ? name : sanitized(name, METRIC)
  if (!suffixes) return words
  const suffix = kind === 'gauge' && unit === '1' ? 'ratio' : UNITS[unit]
  const bare = kind === 'counter' ? words.replace(/_total$/, '') : words
  const named = suffix === undefined || bare.endsWith(`_${suffix}`) ? bare : `${bare}_${suffix}`
  return kind === 'counter' ? `${named}_total` : named
}

export const labelName = (name: string, { utf8 }: Naming): string => (utf8 ? name : sanitized(name, LABEL))

/** Whether a metric's name need not stand in quotes, as names with other signs than these do. */
export const isLegacy = (name: string): boolean => /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)

/** The same of a label's: a colon is no part of it. */
export const isLegacyLabel = (name: string): boolean => /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)

const METRIC = /[^a-zA-Z0-9_:]/g
const LABEL = /[^a-zA-Z0-9_]/g

function sanitized(name: string, others: RegExp): string {
  const words = name.replaceAll(others, '_')
  return /^[0-9]/.test(words) ? `_${words}` : words
}
