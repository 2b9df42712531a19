import { isNode, LineCounter, parseAllDocuments, visit } from 'yaml'
import type { Place } from './place.ts'

/**
 * The text of a source with stars in place of the values that begin at `places`, each character one, so that lines and columns
 * stay. Where no value of YAML begins, as in `--set key=value`, all that follows is taken for it.
 */
export function withoutValues(text: string, places: readonly Place[]): string {
  if (places.length === 0) return text
  const lines = new LineCounter()
  const ends = new Map<string, number>()
  for (const document of parseAllDocuments(text, { ...LENIENT, lineCounter: lines }))
    visit(document, (_, node) => {
      if (!isNode(node) || !node.range) return
      const [start, end] = node.range
      const { line, col } = lines.linePos(start)
      const key = `${line}:${col}`
      ends.set(key, Math.max(ends.get(key) ?? 0, end))
    })
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  const hidden = places
    .map(({ line, column }) => ({
      start: (starts[line - 1] ?? text.length) + column - 1,
      end: ends.get(`${line}:${column}`) ?? text.length,
    }))
    .toSorted((left, right) => left.start - right.start)
  const pieces: string[] = []
  let done = 0
  for (const { start, end } of hidden) {
    if (end <= done) continue
    const from = Math.max(start, done)
    pieces.push(text.slice(done, from), text.slice(from, end).replaceAll(/[^\r\n]/g, '*'))
    done = end
  }
  return pieces.join('') + text.slice(done)
}

/** The text has been read before, and its faults are told. */
const LENIENT = {
  schema: 'failsafe',
  uniqueKeys: false,
  merge: false,
  prettyErrors: false,
  logLevel: 'silent',
} as const
