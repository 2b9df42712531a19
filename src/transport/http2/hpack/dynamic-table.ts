import { sizeOfField } from './header-list.ts'
import type { HeaderField } from './header-list.ts'

const FIRST_SLOTS = 16

/** The fields that a connection has agreed on, the newest first; sizes are RFC 7541's octets, and the oldest go when there are too many. */
export class DynamicTable {
  #capacity: number
  /** A ring, whose length is a power of two and grows with what is in it: at most `capacity / 32` fields. */
  #slots = slotsOf(FIRST_SLOTS)
  #count = 0
  #size = 0
  #inserted = 0
  #changes = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get count(): number {
    return this.#count
  }

  get size(): number {
    return this.#size
  }

  get capacity(): number {
    return this.#capacity
  }

  /** Fields that were ever put in: the newest has the number `inserted - 1`. */
  get inserted(): number {
    return this.#inserted
  }

  /** Another number after whatever changes what indices mean. */
  get version(): number {
    return this.#changes
  }

  /** The newest has 0. Undefined: there are not so many. */
  get(index: number): HeaderField | undefined {
    if (index >= this.#count) return undefined
    return this.#slots[(this.#inserted - 1 - index) & (this.#slots.length - 1)]
  }

  resize(capacity: number): void {
    this.#capacity = capacity
    this.#evict(0)
  }

  /** A field that is larger than the table empties it (RFC 7541, 4.4). Returns whether it is in. */
  insert(field: HeaderField): boolean {
    const size = sizeOfField(field.name, field.value)
    this.#evict(size)
    if (size > this.#capacity) return false
    if (this.#count === this.#slots.length) this.#grow()
    this.#slots[this.#inserted & (this.#slots.length - 1)] = field
    this.#inserted++
    this.#count++
    this.#size += size
    this.#changes++
    return true
  }

  clear(): void {
    this.#evict(Infinity)
  }

  /** Lets go of the oldest until there is room for `size`. */
  #evict(size: number): void {
    while (this.#count > 0 && this.#size + size > this.#capacity) {
      const slot = (this.#inserted - this.#count) & (this.#slots.length - 1)
      const { name, value } = this.#slots[slot]!
      this.#slots[slot] = undefined
      this.#size -= sizeOfField(name, value)
      this.#count--
      this.#changes++
    }
  }

  #grow(): void {
    const slots = slotsOf(this.#slots.length * 2)
    for (let index = 0; index < this.#count; index++)
      slots[(this.#inserted - 1 - index) & (slots.length - 1)] = this.get(index)
    this.#slots = slots
  }
}

const slotsOf = (length: number): (HeaderField | undefined)[] => Array.from({ length }, () => undefined)
