import type { Result } from './row.ts'

const columns = [
  'fault',
  'struck',
  'issued',
  'acked',
  'delivered',
  'lost',
  'duplicated',
  'recovery_ms',
  'seconds',
] as const
const widths = [30, 8, 9, 9, 9, 6, 10, 11, 7]

export const headline = columns.map((column, index) => column.padEnd(widths[index] as number)).join(' ') + ' verdict'

/** One line; what was broken and what is worth a note below it. */
export function line(result: Result): string {
  const { name, skipped, faults, notes, what } = result
  if (skipped !== undefined) return `${name.padEnd(30)} skipped: ${skipped}`
  const { struck, issued, acknowledged, delivered, lost, duplicated, recovery, seconds } = result
  const values = [name, struck, issued, acknowledged, delivered, lost, duplicated, recovery ?? '-', seconds]
  const row = values.map((value, index) => String(value).padEnd(widths[index] as number)).join(' ')
  const verdict = faults.length === 0 ? 'ok' : 'BROKEN'
  return [
    `${row} ${verdict}  (struck: ${what})`,
    ...notes.map((note) => `    ${note}`),
    ...faults.map((fault) => `  ! ${fault}`),
  ].join('\n')
}
