import { TABLES } from '../kernels/profiles/references.ts'
import { TargetTable } from '../kernels/profiles/target-table.ts'
import type { Value } from '../steps/step.ts'
import type { TableName } from '../wire/schema.ts'
import type { WireWriter } from '../wire/wire-writer.ts'
import { giveWriter, takeWriter } from '../wire/writer-pool.ts'
import { type Attributes, signed64, unsigned64, writeValue } from './attributes.ts'
import { type Identifier, writeSpanId, writeTraceId } from './identifiers.ts'

/** Where an entry stands in its table of the dictionary. 0 is that of the entry that means: not set. */
export type EntryIndex = number

/** Attributes by key; or where entries that the builder's `attribute` made stand, which spares a sample to name them again. */
export type EntryAttributes = Attributes | readonly EntryIndex[]

/** A binary that is mapped into memory. */
export interface MappingFields {
  readonly start?: bigint | undefined
  readonly limit?: bigint | undefined
  readonly fileOffset?: bigint | undefined
  readonly filename?: string | undefined
  readonly attributes?: EntryAttributes | undefined
}

export interface FunctionFields {
  readonly name?: string | undefined
  /** As the system knows it, such as a mangled name. */
  readonly systemName?: string | undefined
  readonly filename?: string | undefined
  readonly startLine?: number | undefined
}

/** A place in code. */
export interface LocationFields {
  readonly mapping?: EntryIndex | undefined
  readonly address?: bigint | undefined
  /** The functions at this place: more than one where some were inlined, the innermost first. */
  readonly lines?: readonly LineFields[] | undefined
  readonly attributes?: EntryAttributes | undefined
}

export interface LineFields {
  readonly function?: EntryIndex | undefined
  readonly line?: number | undefined
  readonly column?: number | undefined
}

/** Makes entries of the dictionary. The same entry again has the same index. */
export interface DictionaryBuilder {
  mapping(fields: MappingFields): EntryIndex
  function(fields: FunctionFields): EntryIndex
  location(fields: LocationFields): EntryIndex
  /** Locations from the leaf to the root: where the work is done comes first. */
  stack(locations: readonly EntryIndex[]): EntryIndex
  /** The span that a sample was taken in. */
  link(traceId: Identifier, spanId: Identifier): EntryIndex
  attribute(key: string, value: Value | null, unit?: string): EntryIndex
}

/**
 * The dictionary of a request under construction: entries as wire bytes, of which no two are equal. An index that it did
 * not give away is refused before it is written, since a backend would refuse the whole request.
 */
export class Dictionary implements DictionaryBuilder {
  readonly #tables: readonly TargetTable[] = TABLES.map((_, index) => new TargetTable(index + 1))
  readonly #strings = new Map<string, EntryIndex>([['', 0]])
  #scratch: WireWriter | undefined = takeWriter()

  constructor() {
    for (const table of this.#tables) table.clear()
  }

  string(text: string): EntryIndex {
    this.#open()
    const known = this.#strings.get(text)
    if (known !== undefined) return known
    const bytes = Buffer.from(text)
    const index = this.#table('string_table').intern(bytes, 0, bytes.length)
    this.#strings.set(text, index)
    return index
  }

  mapping({ start, limit, fileOffset, filename, attributes }: MappingFields): EntryIndex {
    const named = this.string(filename ?? '')
    const indices = this.attributes(attributes)
    return this.#entry('mapping_table', (writer) => {
      if (start) writer.int64(1, unsigned64(start))
      if (limit) writer.int64(2, unsigned64(limit))
      if (fileOffset) writer.int64(3, unsigned64(fileOffset))
      if (named) writer.int(4, named)
      writer.packedInts(5, indices)
    })
  }

  function({ name, systemName, filename, startLine }: FunctionFields): EntryIndex {
    const strings = [name, systemName, filename].map((text) => this.string(text ?? ''))
    return this.#entry('function_table', (writer) => {
      for (const [at, index] of strings.entries()) if (index) writer.int(at + 1, index)
      if (startLine) writer.int64(4, signed64(BigInt(startLine)))
    })
  }

  location({ mapping = 0, address, lines = [], attributes }: LocationFields): EntryIndex {
    this.given('mapping_table', mapping)
    for (const line of lines) this.given('function_table', line.function ?? 0)
    const indices = this.attributes(attributes)
    return this.#entry('location_table', (writer) => {
      if (mapping) writer.int(1, mapping)
      if (address) writer.int64(2, unsigned64(address))
      for (const line of lines) writeLine(writer, line)
      writer.packedInts(4, indices)
    })
  }

  stack(locations: readonly EntryIndex[]): EntryIndex {
    for (const location of locations) this.given('location_table', location)
    return this.#entry('stack_table', (writer) => writer.packedInts(1, locations))
  }

  link(traceId: Identifier, spanId: Identifier): EntryIndex {
    return this.#entry('link_table', (writer) => {
      writeTraceId(writer, 1, traceId)
      writeSpanId(writer, 2, spanId)
    })
  }

  attribute(key: string, value: Value | null, unit: string = ''): EntryIndex {
    const named = this.string(key)
    const measured = this.string(unit)
    return this.#entry('attribute_table', (writer) => {
      if (named) writer.int(1, named)
      writeValue(writer, 2, value)
      if (measured) writer.int(3, measured)
    })
  }

  /** Where these attributes stand, made where they do not yet. */
  attributes(attributes: EntryAttributes = []): readonly EntryIndex[] {
    if (isIndices(attributes)) {
      for (const index of attributes) this.given('attribute_table', index)
      return attributes
    }
    const indices: EntryIndex[] = []
    for (const [key, value] of Object.entries(attributes))
      if (value !== undefined) indices.push(this.attribute(key, value))
    return indices
  }

  /** Throws where no entry stands at this index. */
  given(table: TableName, index: EntryIndex): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.#table(table).count)
      throw new RangeError(`${index} is no index of the ${table} that this builder gave`)
  }

  /** Writes all tables as the field; the dictionary is of no more use. */
  finish(writer: WireWriter, field: number): void {
    const scratch = this.#open()
    writer.open(field)
    for (const { bytes } of this.#tables) writer.raw(bytes.buffer, 0, bytes.at)
    writer.close()
    this.#scratch = undefined
    giveWriter(scratch)
  }

  #open(): WireWriter {
    if (this.#scratch === undefined) throw new Error('a builder was used after it had finished')
    return this.#scratch
  }

  #entry(table: TableName, write: (writer: WireWriter) => void): EntryIndex {
    const writer = this.#open()
    writer.clear()
    write(writer)
    return this.#table(table).intern(writer.buffer, 0, writer.length)
  }

  #table(name: TableName): TargetTable {
    return this.#tables[TABLES.indexOf(name)]!
  }
}

const isIndices = (attributes: EntryAttributes): attributes is readonly EntryIndex[] => Array.isArray(attributes)

function writeLine(writer: WireWriter, { function: called, line, column }: LineFields): void {
  writer.open(3)
  if (called) writer.int(1, called)
  if (line) writer.int64(2, signed64(BigInt(line)))
  if (column) writer.int64(3, signed64(BigInt(column)))
  writer.close()
}
