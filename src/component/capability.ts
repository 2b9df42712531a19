/**
 * Something that an extension, or a receiver, offers to other components: storage, authentication, processes. A capability is a typed
 * name; `context.extension(Storage, 'file_storage')` finds the implementation that the extension of that id offers,
 * or the receiver of that id where no extension has it.
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
