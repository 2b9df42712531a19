/** Names that are looked up as they stand among bytes, without making a string of them. */
export class Names<T> {
  readonly #byLength: (readonly Entry<T>[] | undefined)[] = []

  constructor(entries: readonly (readonly [name: string, value: T])[]) {
    for (const [name, value] of entries) {
      const bytes = Buffer.from(name)
      this.#byLength[bytes.length] = [...(this.#byLength[bytes.length] ?? []), { bytes, value }]
    }
  }

  /** What goes by the name `[start, end)`; undefined where nothing does. */
  find(buffer: Buffer, start: number, end: number): T | undefined {
    const length = end - start
    const entries = length < this.#byLength.length ? this.#byLength[length] : undefined
    if (entries === undefined) return undefined
    for (let index = 0; index < entries.length; index++) {
      const { bytes, value } = entries[index]!
      let same = 0
      while (same < length && bytes[same] === buffer[start + same]) same++
      if (same === length) return value
    }
    return undefined
  }
}

interface Entry<T> {
  readonly bytes: Buffer
  readonly value: T
}
