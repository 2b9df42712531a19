import { BACKSLASH, CLOSE_BRACE, CLOSE_BRACKET, COLON, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE } from './ascii.ts'

/** An object that is open, with the name of the member that is being read, or an array with its index. */
type Step = string | number

/** Names longer than this are cut: the path goes into a message. */
const LONGEST_NAME = 64

/**
 * The path of what stands at `offset`, like `resourceSpans[0].scopeSpans[0].spans[3].kind`, which is looked for only when
 * something is wrong there. What stands before is sound, and so brackets, commas and strings are all there is to see.
 */
export function pathAt(json: Buffer, offset: number): string {
  const steps: Step[] = []
  let nameEnds = false
  for (let at = 0; at < offset; at++) {
    const last = steps.length - 1
    switch (json[at]) {
      case OPEN_BRACE:
        steps.push('')
        nameEnds = true
        break
      case OPEN_BRACKET:
        steps.push(0)
        break
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        steps.pop()
        break
      case COMMA: {
        const step = steps[last]
        if (typeof step === 'number') steps[last] = step + 1
        else nameEnds = true
        break
      }
      case COLON:
        nameEnds = false
        break
      case QUOTE: {
        const end = endOfText(json, at + 1, offset)
        if (nameEnds) steps[last] = nameOf(json, at, end)
        at = end
      }
    }
  }
  return steps.filter((step) => step !== '').reduce<string>(joined, '')
}

function endOfText(json: Buffer, at: number, limit: number): number {
  while (at < limit && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1
  return at
}

/** As it is written, escapes and all. */
function nameOf(json: Buffer, start: number, end: number): string {
  return json.toString('utf8', start + 1, Math.min(end, start + 1 + LONGEST_NAME))
}

function joined(path: string, step: Step): string {
  if (typeof step === 'number') return `${path}[${step}]`
  return path === '' ? step : `${path}.${step}`
}
