import { known } from '../wire/fields.ts'
import { END, ENTRY, Message, VALUE } from '../wire/message.ts'
import { VARINT } from '../wire/varint.ts'
import { tagOf } from '../wire/write-value.ts'
import { numberOf, numbersOf, uint64 } from './fields.ts'

const OFFSET = known('Buckets', 'offset')
const COUNTS = 2
const QUANTILE = known('ValueAtQuantile', 'quantile')
const QUANTILE_VALUE = known('ValueAtQuantile', 'value')

/** Buckets of an exponential histogram: the first of `counts` has the index `offset`. */
export interface Buckets {
  readonly offset: number
  readonly counts: readonly number[]
}

export interface Quantile {
  readonly quantile: number
  readonly value: number
}

export function bucketsOf(point: Message, field: number): Buckets | undefined {
  const tag = tagOf(field)
  if (point.first(tag) < 0) return undefined
  const buckets = new Message(point.arena)
  buckets.scanAll(point, tag)
  return { offset: numberOf(buckets, OFFSET), counts: numbersOf(buckets, COUNTS, VARINT, uint64) }
}

export function quantilesOf(point: Message, field: number): Quantile[] {
  const tag = tagOf(field)
  const quantiles: Quantile[] = []
  const message = new Message(point.arena)
  for (let index = 0; index < point.length; index += ENTRY) {
    if (point.tape[index] !== tag) continue
    message.begin()
    message.scan(point.tape[index + VALUE]!, point.tape[index + END]!)
    quantiles.push({ quantile: numberOf(message, QUANTILE), value: numberOf(message, QUANTILE_VALUE) })
  }
  return quantiles
}
