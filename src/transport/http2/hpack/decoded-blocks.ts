import type { HeaderList } from './header-list.ts'

/** Kinds of requests that a peer sends in turn, more or less. */
const REMEMBERED = 8
/** Blocks that are longer are decoded each time. */
const LONGEST = 512
/** So many in a row that never came again: this peer says something else each time. */
const MOST_IN_VAIN = 2 * REMEMBERED
/** Blocks that are let by then, before it is tried again. */
const PAUSE = 512
/** Up to here a comparison by hand costs less than a call. */
const SHORT = 48

interface Remembered {
  readonly bytes: Buffer
  length: number
  /** Of the table that it holds with; undefined: with any. */
  version: number | undefined
  list: HeaderList
}

/** The blocks that came last, by their bytes: peers repeat themselves, and an equal block means the same while the table has not changed. */
export class DecodedBlocks {
  readonly #blocks: Remembered[] = []
  #latest = 0
  #next = 0
  #inVain = 0
  #pause = 0

  find(block: Buffer, start: number, end: number, version: number): HeaderList | undefined {
    const { length } = this.#blocks
    for (let tries = 0, at = this.#latest; tries < length; tries++, at = at + 1 === length ? 0 : at + 1) {
      const known = this.#blocks[at]!
      if (known.length !== end - start || (known.version !== undefined && known.version !== version)) continue
      if (!isEqual(known.bytes, known.length, block, start, end)) continue
      this.#latest = at
      this.#inVain = 0
      return known.list
    }
    return undefined
  }

  add(block: Buffer, start: number, end: number, version: number | undefined, list: HeaderList): void {
    if (end - start > LONGEST || this.#isPausing()) return
    const at = this.#next
    this.#next = (at + 1) % REMEMBERED
    this.#latest = at
    const bytes = this.#blocks[at]?.bytes ?? Buffer.allocUnsafeSlow(LONGEST)
    block.copy(bytes, 0, start, end)
    this.#blocks[at] = { bytes, length: end - start, version, list }
  }

  /** To look for what never comes again would double the price of a block. */
  #isPausing(): boolean {
    if (this.#pause > 0) return this.#pause-- > 0
    if (++this.#inVain <= MOST_IN_VAIN) return false
    this.#inVain = this.#next = this.#latest = this.#blocks.length = 0
    this.#pause = PAUSE
    return true
  }
}

function isEqual(known: Buffer, length: number, block: Buffer, start: number, end: number): boolean {
  if (length > SHORT) return block.compare(known, 0, length, start, end) === 0
  for (let at = 0; at < length; at++) if (known[at] !== block[start + at]) return false
  return true
}
