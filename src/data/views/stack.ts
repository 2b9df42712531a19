import { Entry } from '../kernels/entry.ts'
import type { Arena } from '../wire/arena.ts'
import { fieldOf } from '../wire/dictionary.ts'
import { found } from '../wire/found.ts'
import { cursor, LENGTH, readInt32, readInt64, readUint64 } from '../wire/varint.ts'

/** One place in a stack. Addresses are bigints, as they may use all 64 bits. */
export interface Frame {
  readonly address: bigint
  /** The binary that the address lies in, where that is known. */
  readonly mapping: { readonly filename: string; readonly start: bigint; readonly limit: bigint } | undefined
  /** The functions at this place: more than one where some were inlined, the innermost first. */
  readonly lines: readonly Line[]
}

export interface Line {
  readonly function: string
  /** As the system knows it, such as a mangled name. */
  readonly systemName: string
  readonly filename: string
  /** 0 where it is not known. */
  readonly line: number
  readonly column: number
}

export interface SampleLink {
  readonly traceId: string
  readonly spanId: string
}

const STACKS = fieldOf('stack_table')
const LOCATIONS = fieldOf('location_table')
const MAPPINGS = fieldOf('mapping_table')
const FUNCTIONS = fieldOf('function_table')
const LINKS = fieldOf('link_table')

export function stackAt(arena: Arena, index: number): Frame[] {
  const frames: Frame[] = []
  for (const { field, wireType, start, end } of fieldsAt(arena, STACKS, index)) {
    if (field !== 1) continue
    if (wireType !== LENGTH) frames.push(frameAt(arena, readInt32(arena.buffer, start, end)))
    else {
      for (let at = start; at < end;) {
        const location = readInt32(arena.buffer, at, end)
        at = cursor.at
        frames.push(frameAt(arena, location))
      }
    }
  }
  return frames
}

export function linkAt(arena: Arena, index: number): SampleLink | undefined {
  if (index === 0) return undefined
  let [traceId, spanId] = ['', '']
  for (const { field, start, end } of fieldsAt(arena, LINKS, index)) {
    if (field === 1) traceId = arena.buffer.toString('hex', start, end)
    else if (field === 2) spanId = arena.buffer.toString('hex', start, end)
  }
  return { traceId, spanId }
}

function frameAt(arena: Arena, index: number): Frame {
  const { buffer } = arena
  let address = 0n
  let mapping = 0
  const lines: Line[] = []
  for (const { field, start, end } of fieldsAt(arena, LOCATIONS, index)) {
    if (field === 1) mapping = readInt32(buffer, start, end)
    else if (field === 2) address = readUint64(buffer, start, end)
    else if (field === 3) lines.push(lineAt(arena, start, end))
  }
  return { address, mapping: mappingAt(arena, mapping), lines }
}

function mappingAt(arena: Arena, index: number): Frame['mapping'] {
  if (index === 0) return undefined
  let [start, limit, filename] = [0n, 0n, '']
  for (const each of fieldsAt(arena, MAPPINGS, index)) {
    if (each.field === 1) start = readUint64(arena.buffer, each.start, each.end)
    else if (each.field === 2) limit = readUint64(arena.buffer, each.start, each.end)
    else if (each.field === 4) filename = textAt(arena, each)
  }
  return { filename, start, limit }
}

function lineAt(arena: Arena, start: number, end: number): Line {
  let [called, line, column] = [0, 0, 0]
  for (const each of fieldsIn(arena.buffer, start, end)) {
    if (each.field === 1) called = readInt32(arena.buffer, each.start, each.end)
    else if (each.field === 2) line = Number(readInt64(arena.buffer, each.start, each.end))
    else if (each.field === 3) column = Number(readInt64(arena.buffer, each.start, each.end))
  }
  let [name, systemName, filename] = ['', '', '']
  for (const each of fieldsAt(arena, FUNCTIONS, called)) {
    if (each.field === 1) name = textAt(arena, each)
    else if (each.field === 2) systemName = textAt(arena, each)
    else if (each.field === 3) filename = textAt(arena, each)
  }
  return { function: name, systemName, filename, line, column }
}

const textAt = ({ buffer, dictionary }: Arena, { start, end }: Entry): string =>
  dictionary?.text(buffer, readInt32(buffer, start, end)) ?? ''

/** The fields of an entry of the dictionary; none where the index is 0 or points at nothing. */
function fieldsAt({ buffer, dictionary }: Arena, table: number, index: number): Iterable<Entry> {
  if (dictionary?.find(buffer, table, index) !== true) return []
  return fieldsIn(buffer, found.start, found.end)
}

function* fieldsIn(buffer: Buffer, start: number, end: number): Generator<Entry> {
  const entry = new Entry()
  for (let at = start; at < end;) {
    at = entry.read(buffer, at, end)
    yield entry
  }
}
