/**
 * Something that an extension offers to other components: storage, authentication, discovery. A capability is a typed
 * name; `context.extension(Storage, 'file_storage')` finds the implementation that the extension of that id offers.
 */
export class Capability<T> {
  readonly name: string
  /** Never set: carries the type. */
  declare readonly implementation: T

  constructor(name: string) {
    this.name = name
  }
}

export interface Offer<T = unknown> {
  readonly capability: Capability<T>
  readonly implementation: T
}

export const offer = <T>(capability: Capability<T>, implementation: T): Offer => ({
  capability: capability,
  implementation,
})
