import type { Measured } from '../../src/graph/metrics.ts'

const ITEMS = /(?<=_)(spans|metric_points|log_records|profile_samples)$/
const ITEM_UNIT = /^\{(span|datapoint|record|sample)\}$/

/** What was measured as rows of a table, one for all signals. */
export function rows(measured: readonly Measured[]): string[] {
  const found = measured.map(({ name, kind, options: { unit, level = 'basic' }, points }) => {
    const labels = [...new Set(points.flatMap((point) => Object.keys(point.labels)))].sort()
    const cells = [
      `\`${name.replace(ITEMS, '*')}\``,
      kind.replaceAll('_', '-'),
      ITEMS.test(name) ? unit.replace(ITEM_UNIT, '{item}') : unit,
      labels.map((label) => `\`${label}\``).join(', '),
      level,
    ]
    return `| ${cells.map((cell) => (cell === '' ? '' : cell)).join(' | ')} |`.replaceAll('|  |', '| |')
  })
  return [...new Set(found)].sort()
}
