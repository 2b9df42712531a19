/** Milliseconds in each unit of Go's durations. There is no unit for days. */
const UNITS = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['μs', 1e-3],
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
])

/** Longest that Go's durations reach: 2^63 - 1 nanoseconds, some 292 years. */
const MAX_MILLISECONDS = 2 ** 63 / 1e6

/**
 * Milliseconds of a duration as Go's `time.ParseDuration` reads it (`1h30m`, `1.5s`, `300ms`), or Go's own sentence about
 * what is wrong, with `name` for the text.
 */
export function duration(text: string, name: string = JSON.stringify(text)): number | { readonly problem: string } {
  const invalid = { problem: `time: invalid duration ${name}` }
  const sign = text.startsWith('-') ? -1 : 1
  let rest = text.replace(/^[-+]/, '')
  if (rest === '0') return 0
  if (rest === '') return invalid
  let milliseconds = 0
  while (rest !== '') {
    const number = /^(?:[0-9]+\.?[0-9]*|\.[0-9]+)/.exec(rest)?.[0]
    if (number === undefined) return invalid
    rest = rest.slice(number.length)
    const unit = /^[^0-9.]*/.exec(rest)?.[0] ?? ''
    if (unit === '') return { problem: `time: missing unit in duration ${name}` }
    const factor = UNITS.get(unit)
    if (factor === undefined) return { problem: `time: unknown unit ${JSON.stringify(unit)} in duration ${name}` }
    milliseconds += Number(number) * factor
    rest = rest.slice(unit.length)
  }
  return milliseconds > MAX_MILLISECONDS ? invalid : sign * milliseconds
}
