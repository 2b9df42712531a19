const FIRST = 64

/** Where the entries of one table of a dictionary begin and end: offsets, which grow with the table. */
export class Places {
  count = 0
  /** By entry: where it begins, past tag and length, and where it ends. */
  places = new Int32Array(FIRST)

  push(start: number, end: number): void {
    if (this.count * 2 === this.places.length) {
      const larger = new Int32Array(this.places.length * 2)
      larger.set(this.places)
      this.places = larger
    }
    this.places[this.count * 2] = start
    this.places[this.count * 2 + 1] = end
    this.count++
  }

  /** Forgets them; keeps no more than `largest` numbers for the next ones. */
  clear(largest: number): void {
    this.count = 0
    if (this.places.length > largest) this.places = new Int32Array(FIRST)
  }
}
