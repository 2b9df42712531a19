import type { ProbeResult } from '../../src/native.ts'
import type { Findings, ProgramFinding } from './findings.ts'
import type { Verdict } from './judge.ts'

/** What is kept of one kernel. */
export interface Column {
  readonly kernel: string
  readonly types: readonly ProbeResult[]
  readonly programs: readonly Omit<ProgramFinding, 'log'>[]
  readonly verdicts: readonly Verdict[]
}

export function columnOf({ kernel, doctor, programs }: Findings, verdicts: readonly Verdict[]): Column {
  const kept = programs.map(({ tracer, rung, program, reason }) => ({
    tracer,
    rung,
    program,
    ...(reason && { reason }),
  }))
  return { kernel, types: doctor.program_types, programs: kept, verdicts }
}

/** By series, in its order: `6.1`, …, `local`. */
export type Columns = Readonly<Record<string, Column>>

const LOCAL = 'local'
const YES = 'yes'

/** docs/kernels.md. Reasons are notes below the tables, each once. */
export function kernelsPage(columns: Columns): string {
  const notes = new Notes()
  const head = Object.entries(columns).map(([series, { kernel }]) => (series === LOCAL ? `${kernel} (host)` : kernel))
  const all = Object.values(columns)
  const tables = [scenarioTable(all, head, notes), programTable(all, head, notes), typeTable(all, head, notes)]
  return `${[INTRODUCTION, ...SECTIONS.map((section, index) => `${section}\n\n${tables[index]}`)].join('\n\n')}\n${notes.text()}`
}

const INTRODUCTION = `# Kernels

Written by \`npm run test:kernels -- --write\`: it boots Debian's own kernels under emulation, loads and attaches every program of \`bpf/\` there, and has each tracer trace
the same requests, connections, queries and programs by each of its hooks. What they emit is held to what was done. The last column is a host on which it ran by itself, where policies may refuse what its
kernel could do. Nothing here is about time.`

const SECTIONS = [
  `## Tracers

\`right\`: everything was seen, as it was: methods, paths, status, ports, processes, parents of spans, bytes; names, codes and addresses; arguments, exit codes and signals.`,
  `## Programs

Whether each was loaded and attached. What is missing on some kernels is optional, and its tracer goes on without.`,
  `## Types of program

What \`telegen doctor\` finds by loading and attaching a program of two instructions; not all of them are used yet. \`tc\` is a module of Debian's kernels,
and the emulated machine has none.`,
]

function scenarioTable(columns: readonly Column[], head: readonly string[], notes: Notes): string {
  const cell = (verdict: Verdict | undefined): string => {
    if (!verdict) return ''
    const state = verdict.state === 'unavailable' ? 'no' : verdict.state
    return `${state}${notes.refer(verdict.reasons)}`
  }
  return table(
    ['tracer', 'hook', ...head],
    columns,
    ({ verdicts }) => verdicts,
    ({ tracer, rung }) => [tracer, rung],
    cell,
  )
}

function programTable(columns: readonly Column[], head: readonly string[], notes: Notes): string {
  const cell = (found: Column['programs'][number] | undefined): string =>
    found ? (found.reason === undefined ? YES : `no${notes.refer([withoutSubject(found.reason)])}`) : ''
  const keys = ({ tracer, rung, program }: Column['programs'][number]) => [tracer, rung, `\`${program}\``]
  return table(['tracer', 'hook', 'program', ...head], columns, ({ programs }) => programs, keys, cell)
}

function typeTable(columns: readonly Column[], head: readonly string[], notes: Notes): string {
  const cell = (found: ProbeResult | undefined): string =>
    found ? (found.ok ? YES : `no${notes.refer([`${found.code} at ${found.step} (${found.reason})`])}`) : ''
  return table(
    ['type', ...head],
    columns,
    ({ types }) => types,
    ({ type }) => [type],
    cell,
  )
}

/** The same reason for several programs is one note. */
const withoutSubject = (reason: string): string => reason.replace(/^the program \S+ /, 'it ')

/** A row for each key that a column has, in the order in which they are met. */
function table<Row>(
  head: readonly string[],
  columns: readonly Column[],
  rowsOf: (column: Column) => readonly Row[],
  keysOf: (row: Row) => readonly string[],
  cell: (row: Row | undefined) => string,
): string {
  const keyed = columns.map((column) => new Map(rowsOf(column).map((row) => [keysOf(row).join(' | '), row])))
  const keys = [...new Set(keyed.flatMap((rows) => [...rows.keys()]))]
  const lines = keys.map((key) => [key, ...keyed.map((rows) => cell(rows.get(key)))])
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Reasons, numbered as they are met. */
class Notes {
  readonly #numbers = new Map<string, number>()

  refer(reasons: readonly string[]): string {
    return reasons
      .map((reason) => {
        const number = this.#numbers.get(reason) ?? this.#numbers.size + 1
        this.#numbers.set(reason, number)
        return ` (${number})`
      })
      .join('')
  }

  text(): string {
    if (this.#numbers.size === 0) return ''
    return `\n## Notes\n\n${[...this.#numbers].map(([reason, number]) => `${number}. ${reason}`).join('\n')}\n`
  }
}
