import { locate, places, type Signal } from './item-numbers.ts'

/** What came of the items of a window. */
export interface Balance {
  readonly lost: number
  readonly doubled: number
  /** Should have been dropped on the way, or nobody sent them in this window. */
  readonly unwanted: number
}

const FIRST_CAPACITY = 1 << 16
const MOST_COUNTED = 255

/**
 * Which items were sent and which arrived. A request has an id, its items the numbers from `id * items` on; requests whose ids are alike
 * modulo `variants` have the same content but for the numbers, so that of all of them the same items are kept on the way.
 */
export class Ledger {
  readonly #signal: Signal
  readonly #items: number
  readonly #variants: number
  /** By variant and place in the request; what is dropped on the way is 0. */
  readonly #kept: Uint8Array
  readonly #keptOf: Uint32Array
  #sent = new Uint8Array(FIRST_CAPACITY)
  #received = new Uint8Array(0)
  #first = 0
  #last = -1
  #strays = 0
  #expected = 0
  #arrived = 0

  constructor(signal: Signal, items: number, variants: number) {
    this.#signal = signal
    this.#items = items
    this.#variants = variants
    this.#kept = new Uint8Array(variants * items).fill(1)
    this.#keptOf = new Uint32Array(variants).fill(items)
    this.#received = new Uint8Array(FIRST_CAPACITY * items)
  }

  /** A window begins, whose requests have ids from `first` on. */
  begin(first: number): void {
    this.#sent.fill(0)
    this.#received.fill(0)
    this.#first = first
    this.#last = first - 1
    this.#strays = this.#expected = this.#arrived = 0
  }

  sent(id: number): void {
    const index = id - this.#first
    if (index >= this.#sent.length) this.#grow(index)
    if (Number(this.#sent[index]) === MOST_COUNTED) throw new Error('a request was sent too often for one window')
    this.#sent[index]!++
    if (id > this.#last) this.#last = id
    this.#expected += this.#keptOf[id % this.#variants]!
  }

  /** What was not taken is not expected; where it arrives nevertheless, it would be doubled when it is sent again. */
  failed(id: number): void {
    this.#sent[id - this.#first]!--
    this.#expected -= this.#keptOf[id % this.#variants]!
  }

  arrived(body: Buffer, start: number, end: number): void {
    const count = locate(this.#signal, body, start, end)
    const first = this.#first * this.#items
    const received = this.#received
    for (let item = 0; item < count; item++) {
      const index = ((body.readUInt32LE(places[item]) - first) | 0) >>> 0
      if (index < received.length && received[index]! < MOST_COUNTED) received[index]!++
      else this.#strays++
    }
    this.#arrived += count
  }

  get arrivedItems(): number {
    return this.#arrived
  }

  get complete(): boolean {
    return this.#arrived >= this.#expected
  }

  balance(): Balance {
    let [lost, doubled, unwanted] = [0, 0, this.#strays]
    for (let id = this.#first; id <= this.#last; id++) {
      const sent = this.#sent[id - this.#first]!
      const place = (id % this.#variants) * this.#items
      for (let item = 0; item < this.#items; item++) {
        const received = this.#received[(id - this.#first) * this.#items + item]!
        if (this.#kept[place + item] === 0) unwanted += received
        else if (received < sent) lost += sent - received
        else doubled += received - sent
      }
    }
    return { lost, doubled, unwanted }
  }

  /** From a window in which everything was sent once: what arrived is what is kept. Answers it as one digit an item. */
  learn(): string {
    this.#kept.fill(0)
    for (let id = this.#first; id <= this.#last; id++) {
      const variant = id % this.#variants
      for (let item = 0; item < this.#items; item++)
        if (this.#received[(id - this.#first) * this.#items + item]! > 0) this.#kept[variant * this.#items + item] = 1
    }
    for (let variant = 0; variant < this.#variants; variant++)
      this.#keptOf[variant] = this.#kept
        .subarray(variant * this.#items, (variant + 1) * this.#items)
        .reduce((sum, kept) => sum + kept, 0)
    return this.#kept.join('')
  }

  #grow(index: number): void {
    const capacity = 2 ** Math.ceil(Math.log2(index + 1))
    const sent = new Uint8Array(capacity)
    sent.set(this.#sent)
    this.#sent = sent
    const received = new Uint8Array(capacity * this.#items)
    received.set(this.#received)
    this.#received = received
  }
}
