/**
 * Where the items of an OTLP request keep the number that the load gave them: in the last four bytes of a span's id, in the low half of
 * the time of a data point or log record. No stage between touches those, and they are found by walking the message, so that attributes
 * that came or went do not matter. No code of Telegen's takes part.
 */
export type Signal = 'traces' | 'metrics' | 'logs'

interface Shape {
  /** Which tags lead from a request down to its items, level by level. */
  readonly levels: readonly (readonly number[])[]
  /** The item's field with the number, and how far into the field's value that is. */
  readonly tag: number
  readonly skip: number
}

const RESOURCE = [0x0a]
const SCOPE = [0x12]
const RECORD = [0x12]
const KINDS_OF_METRICS = [0x2a, 0x3a, 0x4a, 0x52, 0x5a]
const POINTS = [0x0a]

const SHAPES: Readonly<Record<Signal, Shape>> = {
  traces: { levels: [RESOURCE, SCOPE, RECORD], tag: 0x12, skip: 5 },
  metrics: { levels: [RESOURCE, SCOPE, RECORD, KINDS_OF_METRICS, POINTS], tag: 0x19, skip: 0 },
  logs: { levels: [RESOURCE, SCOPE, RECORD], tag: 0x09, skip: 0 },
}

const MOST_ITEMS = 262_144

/** Where the numbers begin that `locate` found last, in the order of the items. */
export const places = new Int32Array(MOST_ITEMS)

let found = 0
let cursor = 0

/** How many items there are between `start` and `end` of `body`. */
export function locate(signal: Signal, body: Buffer, start: number, end: number): number {
  found = 0
  walk(SHAPES[signal], 0, body, start, end)
  return found
}

function walk(shape: Shape, depth: number, body: Buffer, start: number, end: number): void {
  const wanted = shape.levels[depth]
  if (wanted === undefined) return note(shape, body, start, end)
  let at = start
  while (at < end) {
    const tag = body[at++]!
    if ((tag & 7) !== 2) {
      at = afterScalar(tag, body, at)
      continue
    }
    const length = varint(body, tag < 0x80 ? at : afterVarint(body, at))
    at = cursor
    if (wanted.includes(tag)) walk(shape, depth + 1, body, at, at + length)
    at += length
  }
  if (at !== end) throw new Error('an item that is cut off')
}

function note({ tag: wanted, skip }: Shape, body: Buffer, start: number, end: number): void {
  let at = start
  while (at < end) {
    const tag = body[at++]!
    if (tag === wanted) {
      if (found === MOST_ITEMS) throw new Error(`more than ${MOST_ITEMS} items in a request`)
      places[found++] = at + skip
      return
    }
    if ((tag & 7) !== 2) at = afterScalar(tag, body, at)
    else {
      const length = varint(body, tag < 0x80 ? at : afterVarint(body, at))
      at = cursor + length
    }
  }
  throw new Error('an item without a number')
}

function afterScalar(tag: number, body: Buffer, at: number): number {
  const value = tag < 0x80 ? at : afterVarint(body, at)
  if ((tag & 7) === 1) return value + 8
  if ((tag & 7) === 5) return value + 4
  if ((tag & 7) === 0) return afterVarint(body, value)
  throw new Error(`a field with tag ${tag}`)
}

/** Leaves `cursor` behind it. */
function varint(body: Buffer, at: number): number {
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = body[at++]!
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) break
  }
  cursor = at
  return value
}

function afterVarint(body: Buffer, at: number): number {
  while (body[at]! >= 0x80) at++
  return at + 1
}
