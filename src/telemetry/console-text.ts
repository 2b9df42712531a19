import type { Labels } from '../component/meter.ts'
import type { Measured } from '../graph/metrics.ts'

/** Measurements as JSON for people, a line for each instrument. */
export function consoleText(measured: readonly Measured[], resource: Labels, time: number): string {
  const at = new Date(time).toISOString()
  const head = JSON.stringify({ time: at, resource })
  const lines = measured.map(({ name, kind, options: { unit, boundaries }, points }) =>
    JSON.stringify({ time: at, name, kind, unit, ...(kind === 'histogram' && { boundaries }), points }),
  )
  return [head, ...lines, ''].join('\n')
}
