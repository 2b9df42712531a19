import { Place, equals } from '../wire/place.ts'
import * as kinds from '../wire/place.ts'
import { isNumber, isText, readNumber, readText, readValue } from '../wire/read-value.ts'
import { textForm } from '../wire/text-form.ts'
import { equal, sameNumber } from './equal.ts'
import type { Scope } from './levels.ts'
import { spotOf } from './path.ts'
import { bucketOf } from './sample.ts'
import { Double, type Comparison, type Condition, type Path, type RecordLevel, type Value } from './step.ts'

export type Test = () => boolean

/** A condition made ready for the records of one level. */
export function testOf(condition: Condition, level: RecordLevel, scope: Scope): Test {
  switch (condition.kind) {
    case 'literal':
      return () => condition.value
    case 'not': {
      const test = testOf(condition.of, level, scope)
      return () => !test()
    }
    case 'and':
    case 'or':
      return combined(
        condition.kind,
        condition.of.map((each) => testOf(each, level, scope)),
      )
    case 'exists':
      return testAt(condition.path, level, scope, (place) => place.exists)
    case 'compare':
      return compared(condition, level, scope)
    case 'matches':
      return matched(condition, level, scope)
    case 'sampled':
      return sampled(condition, level, scope)
  }
}

function combined(kind: 'and' | 'or', tests: readonly Test[]): Test {
  const [first, second] = tests
  if (first === undefined) return () => kind === 'and'
  if (second === undefined) return first
  if (tests.length === 2) return kind === 'and' ? () => first() && second() : () => first() || second()
  return kind === 'and' ? () => tests.every((test) => test()) : () => tests.some((test) => test())
}

type At = (place: Place, buffer: Buffer) => boolean

function testAt(path: Path, level: RecordLevel, scope: Scope, at: At): Test {
  const { locate, subject } = spotOf(path, level, scope)
  const { message } = subject
  const place = new Place()
  return () => {
    locate(place)
    return at(place, message.arena.buffer)
  }
}

type Compare = Condition & { readonly kind: 'compare' }

function compared({ path, operator, value, typed }: Compare, level: RecordLevel, scope: Scope): Test {
  switch (operator) {
    case '==':
      return testAt(path, level, scope, equalTo(value, typed === true))
    case '!=': {
      const same = equalTo(value, typed === true)
      return testAt(path, level, scope, (place, buffer) => !same(place, buffer))
    }
    default:
      return testAt(path, level, scope, ordered(operator, value))
  }
}

function equalTo(value: Value, typed: boolean): At {
  if (typeof value === 'string') return equalToText(value)
  if (typeof value === 'boolean') {
    return (place, buffer) => place.kind === kinds.BOOL && readValue(buffer, place) === value
  }
  if (!typed && (typeof value !== 'object' || value instanceof Double)) {
    const number = value instanceof Double ? value.value : value
    return (place, buffer) => isNumber(place.kind) && sameNumber(readNumber(buffer, place), number)
  }
  return (place, buffer) => {
    const other = readValue(buffer, place)
    return other !== undefined && equal(other, value, typed)
  }
}

/** Compares bytes, and makes no string. */
function equalToText(text: string): At {
  const bytes = Buffer.from(text)
  const identifier = /^(?:[0-9a-f]{2})*$/.test(text) ? Buffer.from(text, 'hex') : undefined
  return (place, buffer) => {
    if (place.kind === kinds.STRING) return equals(buffer, place.start, place.end, bytes)
    if (place.kind === kinds.NAME) return place.text === text
    return (
      place.kind === kinds.IDENTIFIER && identifier !== undefined && equals(buffer, place.start, place.end, identifier)
    )
  }
}

function ordered(operator: Exclude<Comparison, '==' | '!='>, value: Value): At {
  if (typeof value === 'string') {
    return (place, buffer) => isText(place.kind) && holds(operator, order(readText(buffer, place), value))
  }
  if (typeof value === 'boolean' || (typeof value === 'object' && !(value instanceof Double))) return () => false
  const number = value instanceof Double ? value.value : value
  return (place, buffer) => {
    if (!isNumber(place.kind)) return false
    const other = readNumber(buffer, place)
    return operator === '<'
      ? other < number
      : operator === '<='
        ? other <= number
        : operator === '>'
          ? other > number
          : other >= number
  }
}

/** By code points, as the order of UTF-8 bytes is. */
const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

function holds(operator: Exclude<Comparison, '==' | '!='>, sign: number): boolean {
  switch (operator) {
    case '<':
      return sign < 0
    case '<=':
      return sign <= 0
    case '>':
      return sign > 0
    case '>=':
      return sign >= 0
  }
}

type Matches = Condition & { readonly kind: 'matches' }

function matched({ path, pattern, text }: Matches, level: RecordLevel, scope: Scope): Test {
  return testAt(path, level, scope, (place, buffer) => {
    if (isText(place.kind)) return pattern.test(readText(buffer, place))
    if (text === undefined || !place.exists) return false
    const isScalar = place.kind === kinds.BOOL || isNumber(place.kind)
    if (text === 'scalars' && !isScalar) return false
    const value = readValue(buffer, place)
    return pattern.test(value === undefined ? '' : textForm(value))
  })
}

type Sampled = Condition & { readonly kind: 'sampled' }

function sampled({ path, ratio, seed }: Sampled, level: RecordLevel, scope: Scope): Test {
  if (!(ratio >= 0 && ratio <= 1)) throw new Error(`a sampling ratio is between 0 and 1, got ${ratio}`)
  return testAt(path, level, scope, (place, buffer) => place.exists && bucketOf(buffer, place, seed) < ratio)
}
