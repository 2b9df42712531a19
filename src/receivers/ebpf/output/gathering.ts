import type { Attributes, Batch, ScopeFields } from '../../../plugin.ts'

interface Builder {
  readonly bytes: number
  finish(): Batch
}

/**
 * Records of one signal until they are sent, each encoded when it comes: a builder for each tracer and resource, so that the records of one
 * process stand together however they came.
 */
export class Gathering<B extends Builder> {
  items = 0
  bytes = 0
  readonly #make: (resource: Attributes, scope: ScopeFields) => B
  readonly #builders = new Map<ScopeFields, Map<Attributes, B>>()
  #open = 0

  constructor(make: (resource: Attributes, scope: ScopeFields) => B) {
    this.#make = make
  }

  /** Builders that hold something. */
  get open(): number {
    return this.#open
  }

  /** `write` throws what is no record; nothing of it remains. */
  add<F>(scope: ScopeFields, resource: Attributes, write: (builder: B, fields: F) => void, fields: F): void {
    const builder = this.#builder(scope, resource)
    const before = builder.bytes
    write(builder, fields)
    this.bytes += builder.bytes - before
    this.items++
  }

  /** All of it, as batches that are one request when joined; empty afterwards. */
  take(): Batch[] {
    const batches = [...this.#builders.values()].flatMap((builders) =>
      [...builders.values()].map((one) => one.finish()),
    )
    this.#builders.clear()
    this.#open = 0
    this.items = 0
    this.bytes = 0
    return batches
  }

  #builder(scope: ScopeFields, resource: Attributes): B {
    let builders = this.#builders.get(scope)
    if (builders === undefined) this.#builders.set(scope, (builders = new Map()))
    let builder = builders.get(resource)
    if (builder === undefined) {
      builders.set(resource, (builder = this.#make(resource, scope)))
      this.#open++
    }
    return builder
  }
}
