import { DEEPEST } from '../kernels/validate.ts'
import * as ascii from './ascii.ts'
import { MalformedJson } from './malformed-json.ts'
import { endOfNumber } from './numbers.ts'
import { endOfText } from './text.ts'

/** For each array or object that is open whether it is an object. */
const isObject = new Uint8Array(DEEPEST + 1)

/** The end of the value at `at`, whatever it is. Its syntax is checked as strictly as that of what is read. */
export function pastValue(json: Buffer, at: number): number {
  let depth = 0
  for (;;) {
    const byte = json[at]
    if (byte === ascii.OPEN_BRACE || byte === ascii.OPEN_BRACKET) {
      if (depth === DEEPEST) throw new MalformedJson(`is nested more than ${DEEPEST} levels deep`, at)
      isObject[++depth] = byte === ascii.OPEN_BRACE ? 1 : 0
      at = ascii.pastSpace(json, at + 1)
      if (json[at] !== closing(depth)) {
        if (byte === ascii.OPEN_BRACE) at = pastName(json, at)
        continue
      }
      depth--
      at++
    } else at = pastPlainValue(json, at)
    // What follows a value: ends of what encloses it, and then the next one.
    for (;;) {
      if (depth === 0) return at
      at = ascii.pastSpace(json, at)
      const next = json[at]
      if (next === ascii.COMMA) break
      if (next !== closing(depth)) throw new MalformedJson('is followed by neither a comma nor an end', at)
      depth--
      at++
    }
    at = ascii.pastSpace(json, at + 1)
    if (isObject[depth] === 1) at = pastName(json, at)
  }
}

const closing = (depth: number): number => (isObject[depth] === 1 ? ascii.CLOSE_BRACE : ascii.CLOSE_BRACKET)

/** Where the value of the member begins whose name begins at `at`. */
function pastName(json: Buffer, at: number): number {
  if (json[at] !== ascii.QUOTE) throw new MalformedJson('has a member without a name in quotes', at)
  const colon = ascii.pastSpace(json, endOfText(json, at + 1) + 1)
  if (json[colon] !== ascii.COLON) throw new MalformedJson('has no colon after a name', colon)
  return ascii.pastSpace(json, colon + 1)
}

function pastPlainValue(json: Buffer, at: number): number {
  switch (json[at]) {
    case ascii.QUOTE:
      return endOfText(json, at + 1) + 1
    case ascii.SMALL_T:
      if (ascii.stands(ascii.TRUE, json, at)) return at + ascii.TRUE.length
      break
    case ascii.SMALL_F:
      if (ascii.stands(ascii.FALSE, json, at)) return at + ascii.FALSE.length
      break
    case ascii.SMALL_N:
      if (ascii.stands(ascii.NULL, json, at)) return at + ascii.NULL.length
      break
    default:
      return endOfNumber(json, at)
  }
  throw new MalformedJson('is no JSON value', at)
}
