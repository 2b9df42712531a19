/** What is measured, on the terminal. */
import { verdictOf } from './results.ts'
import type { AgentRow, CostRow, IdleRow, MemoryRow, ProgramRow } from './results.ts'

export function printCost({ scenario, tracers, what, unit, without, added, lost }: CostRow): void {
  const { median, low, high, pairs } = added
  const interval = `${low.toFixed(2)} to ${high.toFixed(2)}`
  console.log(
    `${scenario}, ${tracers}: ${what}: ${without.toFixed(2)} ${unit}, ${signed(median)} (${interval}; ${pairs} pairs)${lost > 0 ? `, ${lost} events lost` : ''}`,
  )
}

export function printPrograms(rows: readonly ProgramRow[]): void {
  console.log('\n  program                runs/operation   ns/run   us/operation')
  for (const { tracer, program, operation, runs, nanoseconds, microseconds } of rows)
    console.log(
      `  ${`${tracer} ${program}`.padEnd(26)}${runs.toFixed(2).padStart(11)}${nanoseconds.toFixed(0).padStart(9)}${microseconds.toFixed(2).padStart(15)} ${operation}`,
    )
  console.log()
}

export function printMemory(rows: readonly MemoryRow[]): void {
  for (const { of, maps, programs } of rows)
    console.log(`  ${of.padEnd(16)}${mebibytes(maps).padStart(8)} MiB of maps, ${kibibytes(programs)} KiB of programs`)
  console.log()
}

export function printIdle({ core, residentBytes, seconds }: IdleRow): void {
  console.log(`  idle, all tracers, ${seconds} s: ${percent(core)} of a core, ${mebibytes(residentBytes)} MiB`)
}

export function printAgent(row: AgentRow): void {
  const { rate, sides, output, wanted, core, perRequestUs, residentBytes, reached } = row
  const verdict = wanted === undefined ? '' : ` (wanted ${percent(wanted)}: ${verdictOf(row)})`
  console.log(
    `  ${rate}/s (${reached.toFixed(0)}), ${sides}, ${output}: ${percent(core)} of a core${verdict}, ${perRequestUs.toFixed(1)} us a request, ${mebibytes(residentBytes)} MiB`,
  )
}

export const signed = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(2)}`
export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`
export const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
export const kibibytes = (bytes: number): string => (bytes / 2 ** 10).toFixed(0)
