import { type Batch, batchOfSlab } from '../batch.ts'
import { slabs } from '../memory/slab-pool.ts'
import type { Signal } from '../signal.ts'
import type { WireWriter } from '../wire/wire-writer.ts'
import { giveWriter, takeWriter } from '../wire/writer-pool.ts'
import { type Attributes, writeAttributes } from './attributes.ts'

export interface ResourceFields {
  readonly schemaUrl?: string | undefined
  readonly droppedAttributes?: number | undefined
}

/** The instrumentation scope: what made the records that follow. */
export interface ScopeFields {
  readonly name?: string | undefined
  readonly version?: string | undefined
  readonly attributes?: Attributes | undefined
  readonly schemaUrl?: string | undefined
  readonly droppedAttributes?: number | undefined
}

// Field numbers of the request and its containers, the same in each signal.
const RESOURCES = 1
const RESOURCE = 1
const SCOPES = 2
const SCOPE = 1
const SCHEMA_URL = 3

/**
 * A request under construction: resources in it, scopes in them, records in those. A container is begun when its first
 * record comes, so that none is empty.
 */
export class Request<S extends Signal> {
  readonly #signal: S
  #writer: WireWriter | undefined = takeWriter()
  #resource: Attributes
  #resourceFields: ResourceFields = {}
  #scope: ScopeFields
  #resourceIsOpen = false
  #scopeIsOpen = false
  #items = 0

  constructor(signal: S, resource: Attributes, scope: ScopeFields) {
    this.#signal = signal
    this.#resource = resource
    this.#scope = scope
  }

  /** Bytes of what was written. */
  get bytes(): number {
    return this.#open().length
  }

  /** What is written from now on belongs to another resource, and to the scope given with it. */
  resource(attributes: Attributes, fields: ResourceFields, scope: ScopeFields): void {
    this.#closeResource()
    this.#resource = attributes
    this.#resourceFields = fields
    this.#scope = scope
  }

  /** What is written from now on belongs to another scope of the same resource. */
  scope(scope: ScopeFields): void {
    this.#closeScope()
    this.#scope = scope
  }

  /**
   * Writes a record of the current scope, which counts as `items`. A `write` that throws leaves the request as it
   * was, and the builder of use.
   */
  record<F>(write: (writer: WireWriter, fields: F) => void, fields: F, items: number = 1): void {
    const writer = this.#open()
    const { length, depth } = writer
    const resourceWasOpen = this.#resourceIsOpen
    const scopeWasOpen = this.#scopeIsOpen
    try {
      if (!resourceWasOpen) this.#openResource(writer)
      if (!scopeWasOpen) this.#openScope(writer)
      write(writer, fields)
      this.#items += items
    } catch (error) {
      writer.rewind(length, depth)
      this.#resourceIsOpen = resourceWasOpen
      this.#scopeIsOpen = scopeWasOpen
      throw error
    }
  }

  /**
   * The request in a slab of its own, not charged to a budget; `last` writes what stands behind the resources. The builder
   * is of no more use.
   */
  finish(last?: (writer: WireWriter) => void): Batch<S> {
    const writer = this.#open()
    this.#closeResource()
    last?.(writer)
    const slab = slabs.take(writer.length)
    writer.buffer.copy(slab.buffer, 0, 0, writer.length)
    const batch = batchOfSlab(this.#signal, this.#items, slab, writer.length)
    this.#writer = undefined
    giveWriter(writer)
    return batch
  }

  #open(): WireWriter {
    if (this.#writer === undefined) throw new Error('a builder was used after it had finished')
    return this.#writer
  }

  #openResource(writer: WireWriter): void {
    const dropped = this.#resourceFields.droppedAttributes ?? 0
    this.#resourceIsOpen = true
    writer.open(RESOURCES)
    writer.open(RESOURCE)
    writeAttributes(writer, 1, this.#resource)
    if (dropped > 0) writer.int(2, dropped)
    writer.close()
  }

  #openScope(writer: WireWriter): void {
    const { name = '', version = '', attributes, droppedAttributes = 0 } = this.#scope
    this.#scopeIsOpen = true
    writer.open(SCOPES)
    if (name === '' && version === '' && attributes === undefined && droppedAttributes === 0) return
    writer.open(SCOPE)
    if (name !== '') writer.string(1, name)
    if (version !== '') writer.string(2, version)
    if (attributes !== undefined) writeAttributes(writer, 3, attributes)
    if (droppedAttributes > 0) writer.int(4, droppedAttributes)
    writer.close()
  }

  #closeScope(): void {
    if (!this.#scopeIsOpen) return
    const writer = this.#open()
    if (this.#scope.schemaUrl) writer.string(SCHEMA_URL, this.#scope.schemaUrl)
    writer.close()
    this.#scopeIsOpen = false
  }

  #closeResource(): void {
    this.#closeScope()
    if (!this.#resourceIsOpen) return
    const writer = this.#open()
    if (this.#resourceFields.schemaUrl) writer.string(SCHEMA_URL, this.#resourceFields.schemaUrl)
    writer.close()
    this.#resourceIsOpen = false
  }
}
