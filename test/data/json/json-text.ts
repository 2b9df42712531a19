/** JSON as other programs write it: members in any order, white space anywhere, characters as escapes. */
import type { JsonValue } from '../../../src/data/codec/json.ts'
import type { Random } from '../mutate.ts'

const SPACES = ['', '', '', ' ', '\n', '\t\r\n  ']

/** The text of `value`, with its names and escapes at random. */
export function jsonText(value: JsonValue, random: Random): string {
  const space = (): string => SPACES[random(SPACES.length)]!
  if (typeof value === 'string') return textOf(value, random)
  if (Array.isArray(value)) {
    return `[${space()}${value.map((element) => jsonText(element, random)).join(`${space()},${space()}`)}${space()}]`
  }
  if (typeof value !== 'object') return Object.is(value, -0) ? '-0' : JSON.stringify(value)
  const members = shuffled(Object.entries(value), random).map(([name, inner]) => {
    const written = random(8) === 0 ? name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : name
    return `${textOf(written, random)}${space()}:${space()}${jsonText(inner, random)}`
  })
  if (random(6) === 0) members.push(`${space()}"somethingNew${random(9)}":${unknown(random)}`)
  return `{${space()}${members.join(`${space()},${space()}`)}${space()}}`
}

const UNKNOWN = ['null', '[]', '{}', '-1.5e-3', '"a\\u00e9\\n"', '[true,{"a":[[{}]]}]', '{"b":false,"":[0]}']
const unknown = (random: Random): string => UNKNOWN[random(UNKNOWN.length)]!

function textOf(text: string, random: Random): string {
  if (random(4) > 0) return JSON.stringify(text)
  const escaped = Array.from({ length: text.length }, (_, index) => {
    const unit = text[index]!
    if (random(3) > 0 && /[^"\\\p{Cc}\p{Cs}]/u.test(unit)) return unit
    return unit === '/' ? String.raw`\/` : `\\u${text.charCodeAt(index).toString(16).padStart(4, '0')}`
  })
  return `"${escaped.join('')}"`
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  return values
    .map((value) => ({ value, place: random(1 << 20) }))
    .toSorted((left, right) => left.place - right.place)
    .map(({ value }) => value)
}
