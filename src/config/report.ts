import { codeFrame } from './code-frame.ts'
import type { Fault } from './fault.ts'
import type { Place } from './place.ts'
import { withoutValues } from './secret-places.ts'

export interface ReportOptions {
  /** Texts of the sources, for code frames. */
  readonly texts: ReadonlyMap<string, string | undefined>
  /** Where values stand in them that must not be seen. */
  readonly secrets?: readonly Place[]
  /** True on a terminal. */
  readonly colours?: boolean
}

/** Faults for people: `agent.yaml:12:7: error: receivers::otlp: …`, the line with a caret, and what would help. */
export function report(faults: readonly Fault[], { texts, secrets = [], colours = false }: ReportOptions): string {
  const paint = colours ? painted : plainly
  const masked = new Map<string, string | undefined>()
  const textOf = (source: string): string | undefined => {
    if (masked.has(source)) return masked.get(source)
    const text = texts.get(source)
    const hidden = secrets.filter((place) => place.source === source)
    const shown = text === undefined ? undefined : withoutValues(text, hidden)
    masked.set(source, shown)
    return shown
  }
  return faults.map((fault) => `${entry(fault, textOf, paint)}\n`).join('\n')
}

/** The same for programs: one object for each fault. */
export function reportJson(faults: readonly Fault[]): string {
  return JSON.stringify(
    faults.map(({ severity, code, message, path, place: { source, line, column, reference }, hint }) => ({
      severity,
      code,
      message,
      path,
      source,
      ...(line > 0 && { line, column }),
      ...(reference !== undefined && { reference }),
      ...(hint !== undefined && { hint }),
    })),
    null,
    2,
  )
}

type Paint = (colour: 'bold' | 'red' | 'yellow' | 'blue', text: string) => string

const CODES = { bold: 1, red: 31, yellow: 33, blue: 34 } as const
const COLOURS = { error: 'red', warning: 'yellow', info: 'blue' } as const
const painted: Paint = (colour, text) => `\u001B[${CODES[colour]}m${text}\u001B[0m`
const plainly: Paint = (_, text) => text

function entry(fault: Fault, textOf: (source: string) => string | undefined, paint: Paint): string {
  const { place, path, message, severity, hint } = fault
  const where = place.line > 0 ? `${place.source}:${place.line}:${place.column}` : place.source
  const subject = path === '' ? '' : `${path}: `
  const lines = [`${paint('bold', `${where}:`)} ${paint(COLOURS[severity], `${severity}:`)} ${subject}${message}`]
  const text = place.line > 0 ? textOf(place.source) : undefined
  if (text !== undefined) lines.push(...codeFrame(text, place, fault.secret ?? false))
  if (hint !== undefined) lines.push(`${INDENT}= ${hint}`)
  return lines.join('\n')
}

const INDENT = '  '
