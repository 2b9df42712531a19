import type { StoredKey } from '../../plugin.ts'
import type { KeyRanges } from './key-ranges.ts'
import type { Totals } from './segment-format.ts'
import type { Place, Segment } from './segment.ts'

/** Why records cannot be given to anybody any more. */
export type Damage = 'header' | 'contents' | 'torn' | 'missing' | 'set_aside' | 'read_error' | 'value'

export type OnLost = (reason: Damage, lost: { records: number; items: number; path: string }) => void

/**
 * The books of a queue: what is in which segment, who has what, what is settled. Its size depends on how many records are out, not
 * on how many wait.
 */
export class Ledger {
  readonly settled: KeyRanges
  /** Ascending. */
  readonly segments: Segment[]
  /** The key of the next record that is appended. */
  nextKey: number
  /** Not settled. */
  readonly totals: Totals = { records: 0, items: 0, bytes: 0 }
  /** Given back, ascending: they come before all that was never read. */
  readonly returned: Place[] = []
  readonly #out = new Map<StoredKey, Place>()
  readonly #onLost: OnLost
  #unread = 0

  constructor(settled: KeyRanges, segments: Segment[], nextKey: number, onLost: OnLost) {
    this.settled = settled
    this.segments = segments
    this.nextKey = nextKey
    this.#onLost = onLost
    for (const { unread } of segments) {
      this.totals.records += unread.records
      this.totals.items += unread.items
      this.totals.bytes += unread.bytes
      this.#unread += unread.records
    }
  }

  /** Records that nobody has. */
  get unread(): number {
    return this.#unread + this.returned.length
  }

  /** A record is durable. */
  append({ segment, key, items, length }: Place): void {
    segment.endKey = key + 1
    segment.unsettled++
    change(segment.unread, 1, items, length)
    change(this.totals, 1, items, length)
    this.#unread++
    this.nextKey = key + 1
  }

  /** Somebody gets a record that was never read. */
  take(place: Place): void {
    this.#read(place)
    this.#out.set(place.key, place)
  }

  /** Somebody gets what was given back. */
  takeReturned(place: Place): void {
    this.returned.splice(this.returned.indexOf(place), 1)
    this.#out.set(place.key, place)
  }

  giveBack(key: StoredKey): void {
    const place = this.#leave(key)
    let index = this.returned.length
    while (index > 0 && (this.returned[index - 1] as Place).key > key) index--
    this.returned.splice(index, 0, place)
  }

  /** Returns the segment that it was in. */
  settle(key: StoredKey): Segment {
    const place = this.#leave(key)
    this.#strike(place)
    return place.segment
  }

  /** A record whose contents cannot be read; `wasReturned` where it was given back before. */
  loseRecord(place: Place, reason: Damage, wasReturned: boolean): void {
    if (wasReturned) this.returned.splice(this.returned.indexOf(place), 1)
    else this.#read(place)
    this.#strike(place)
    this.#onLost(reason, { records: 1, items: place.items, path: place.segment.path })
  }

  /** Keys of a segment that nobody has got, and whose headers cannot be found. */
  loseKeys(segment: Segment, from: number, to: number, reason: Damage): void {
    const records = to - from - this.settled.count(from, to)
    if (records <= 0) return
    this.settled.add(from, to)
    segment.unsettled -= records
    segment.unread.records -= records
    this.totals.records -= records
    this.#unread -= records
    this.#onLost(reason, { records, items: this.#strikeRest(segment), path: segment.path })
  }

  #read({ segment, items, length }: Place): void {
    change(segment.unread, -1, -items, -length)
    this.#unread--
    const rest = this.#strikeRest(segment)
    if (rest > 0) this.#onLost('header', { records: 0, items: rest, path: segment.path })
  }

  /** When nothing is left to read of a segment that said what it held, what is left of its items was in records that could not be found. */
  #strikeRest({ unread }: Segment): number {
    if (unread.records > 0) return 0
    const { items, bytes } = unread
    change(unread, 0, -items, -bytes)
    change(this.totals, 0, -items, -bytes)
    return items
  }

  #strike({ key, segment, items, length }: Place): void {
    this.settled.add(key)
    segment.unsettled--
    change(this.totals, -1, -items, -length)
  }

  #leave(key: StoredKey): Place {
    const place = this.#out.get(key)
    if (place === undefined) throw new Error(`record ${key} is with nobody: it was settled, given back, or never got`)
    this.#out.delete(key)
    return place
  }
}

function change(totals: Totals, records: number, items: number, bytes: number): void {
  totals.records += records
  totals.items += items
  totals.bytes += bytes
}
