import { Secret } from '../../component/options.ts'
import { goType, isNull } from '../node.ts'
import type { Node } from '../node.ts'
import { shown } from '../place.ts'
import { byteSize } from './byte-size.ts'
import { duration } from './duration.ts'
import { decodeList } from './lists.ts'
import { checkRange } from './scalars.ts'
import type { Schema } from './schema.ts'
import { complain, entry } from './spot.ts'
import type { Decode, Spot } from './spot.ts'

/** Turns a written value into what components see of the option's kind (`src/component/options.ts`). */
export function decodeKind(schema: Schema, node: Node, at: Spot, decode: Decode): unknown {
  const { telegen, ...bare } = schema
  switch (telegen) {
    case 'duration':
      return decodeDuration(node, at)
    case 'byte_size':
      return decodeByteSize(schema, node, at)
    case 'secret':
      return decodeSecret(bare, node, at, decode)
    case 'string_list':
      return decodeList(bare, node, at, decode)
    case 'map_list':
      return decodeMapList(node, at, decode)
    case 'component_id':
      return decodeMention(schema, node, at, decode)
    case 'endpoint':
    case undefined:
      return decode(bare, node, at)
  }
}

function decodeDuration(node: Node, at: Spot): number | undefined {
  const number = node.kind === 'scalar' && (typeof node.value === 'number' || typeof node.value === 'bigint')
  // The Collector takes a bare number for nanoseconds, which nobody means, but zero is zero.
  if (number && Number(node.value) === 0) return 0
  if (!number && (node.kind !== 'scalar' || typeof node.value !== 'string')) {
    const sentence = `expected type 'time.Duration', got unconvertible type '${goType(node)}'`
    complain(at, 'wrong_type', sentence, node.place)
    return undefined
  }
  const text = String(node.value)
  const read = duration(text, shown(text, node.place))
  if (typeof read === 'number') {
    if (read < 0) complain(at, 'out_of_range', 'must be non-negative', node.place)
    return read
  }
  const hint = node.place.reference === undefined ? durationHint(text) : undefined
  complain(at, 'invalid_duration', read.problem, node.place, { hint })
  return undefined
}

const NAMES = new Map([
  ['d', 24],
  ['day', 24],
  ['w', 168],
  ['week', 168],
])

function durationHint(text: string): string {
  const match = /^\s*([0-9.]+)\s*([a-z]*?)s?\s*$/i.exec(text)
  const [, count = '', unit = ''] = match ?? []
  if (match !== null && count !== '') {
    if (unit === '') return `did you mean "${count}s" or "${count}ms"?`
    const hours = NAMES.get(unit.toLowerCase())
    if (hours !== undefined) return `did you mean "${Number(count) * hours}h"?`
    const letter = /^(millisecond|msec)$/i.test(unit)
      ? 'ms'
      : /^(sec(ond)?|min(ute)?|h(ou)?r)$/i.test(unit)
        ? unit[0]?.toLowerCase()
        : undefined
    if (letter !== undefined) return `did you mean "${count}${letter}"?`
  }
  return 'units are ns, us, ms, s, m, h: "300ms", "1h30m"'
}

function decodeByteSize(schema: Schema, node: Node, at: Spot): number | undefined {
  const value = node.kind === 'scalar' ? node.value : undefined
  const bytes =
    typeof value === 'string'
      ? byteSize(value)
      : typeof value === 'number' && Number.isInteger(value)
        ? value
        : undefined
  if (bytes !== undefined) {
    const attempt: Spot = { ...at, faults: [] }
    checkRange(schema, bytes, node, attempt)
    const inBytes = (schema.minimum ?? 0) > 1
    at.faults.push(...attempt.faults.map((fault) => (inBytes ? { ...fault, hint: UNITS } : fault)))
    return bytes
  }
  const sentence =
    typeof value === 'string'
      ? `invalid size: ${shown(value, node.place)}`
      : `expected type 'int', got unconvertible type '${goType(node)}'`
  complain(at, 'invalid_size', sentence, node.place, { hint: UNITS })
  return undefined
}

const UNITS = 'write bytes, or a unit: "64MiB" (powers of 1024), "64MB" (of 1000)'

/** Whatever is wrong with it, its line is not printed. */
function decodeSecret(schema: Schema, node: Node, at: Spot, decode: Decode): Secret | undefined {
  const attempt: Spot = { ...at, faults: [] }
  hide(node, at)
  const value = decode(schema, node, attempt)
  at.faults.push(...attempt.faults.map((fault) => ({ ...fault, secret: true })))
  return typeof value === 'string' ? new Secret(value) : undefined
}

/** What came from `${…}` alone is not in the text, and what is not written stands nowhere. */
function hide(node: Node, { secrets }: Spot): void {
  if (!isNull(node) && node.place.reference === undefined && node.place.line > 0) secrets.push(node.place)
}

function decodeMapList(node: Node, at: Spot, decode: Decode): ReadonlyMap<string, Secret> | undefined {
  if (isNull(node)) return new Map()
  if (node.kind === 'map') {
    const pairs = [...node.entries].map(
      ([name, item]) => [name, decodeSecret(TEXT, item.node, entry(at, name), decode)] as const,
    )
    return new Map(pairs.filter((pair): pair is [string, Secret] => pair[1] !== undefined))
  }
  if (node.kind !== 'list') {
    hide(node, at)
    complain(at, 'wrong_type', `expected a map or struct, got "${goType(node)}"`, node.place)
    return undefined
  }
  const result = new Map<string, Secret>()
  node.items.forEach((item, index) => {
    const attempt: Spot = { ...entry(at, index), faults: [] }
    if (item.kind !== 'map') hide(item, at)
    else for (const [key, { node: value }] of item.entries) if (key !== 'name') hide(value, at)
    const pair = decode(NAME_AND_VALUE, item, attempt) as
      { readonly name?: string; readonly value?: string } | undefined
    at.faults.push(...attempt.faults.map((fault) => ({ ...fault, secret: true })))
    if (pair?.name === undefined || pair.value === undefined) return
    if (result.has(pair.name))
      complain(at, 'duplicate_name', `duplicate keys in map-style list: [${pair.name}]`, item.place, { secret: true })
    result.set(pair.name, new Secret(pair.value))
  })
  return result
}

const TEXT: Schema = { type: 'string' }
const NAME_AND_VALUE: Schema = {
  type: 'object',
  properties: { name: TEXT, value: TEXT },
  required: ['name', 'value'],
  additionalProperties: false,
}

function decodeMention(schema: Schema, node: Node, at: Spot, decode: Decode): string | undefined {
  const written = decode({ type: 'string' }, node, at)
  if (typeof written !== 'string') return undefined
  const of = schema.of ?? 'extension'
  const id = (of === 'extension' ? at.canonical(written) : written.trim()) ?? written
  at.mentions.push({ of, offering: schema.offering, id, path: at.path, name: at.name, place: node.place })
  return id
}
