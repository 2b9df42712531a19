/** Thrown where inside work would overdraw a budget by more than its bound. The stage that asked refuses its delivery. */
export class Overdrawn extends Error {
  /** What was asked for. */
  readonly bytes: number

  constructor(budget: ByteBudget, bytes: number) {
    super(
      `${bytes} more bytes would overdraw the budget of ${budget.limit} bytes by more than ${budget.overdraftLimit}`,
    )
    this.name = 'Overdrawn'
    this.bytes = bytes
  }
}

/**
 * An exact semaphore over bytes: what all batches of one signal may occupy together.
 *
 * Only ingress is refused (`tryTake`; the gate waits for `onGiven` where waiting is wanted). Work on data that is already
 * inside (`overdraw`) always goes on, up to `overdraftLimit` above the limit, so nothing ever waits for memory that it
 * holds itself. Whoever took gives the same number of bytes back once.
 */
export class ByteBudget {
  #limit: number
  #overdraftLimit: number
  #used = 0
  #peak = 0
  #overdrafts = 0
  readonly #watchers = new Set<() => void>()

  /** `limit` and `overdraftLimit` in bytes. */
  constructor(limit: number, overdraftLimit: number = Math.ceil(limit / 2)) {
    if (!(limit > 0)) throw new RangeError(`a byte budget must be positive, got ${limit}`)
    this.#limit = limit
    this.#overdraftLimit = overdraftLimit
  }

  get limit(): number {
    return this.#limit
  }

  get overdraftLimit(): number {
    return this.#overdraftLimit
  }

  /** Another limit from now on. What is above it already stays until it is given back. */
  resize(limit: number, overdraftLimit: number = Math.ceil(limit / 2)): void {
    if (!(limit > 0)) throw new RangeError(`a byte budget must be positive, got ${limit}`)
    const grew = limit > this.#limit
    this.#limit = limit
    this.#overdraftLimit = overdraftLimit
    if (grew) for (const watcher of this.#watchers) watcher()
  }

  /** Bytes taken now, overdrafts included. */
  get used(): number {
    return this.#used
  }

  /** The most bytes that were ever taken at once. */
  get peak(): number {
    return this.#peak
  }

  /** How often inside work went over the limit. */
  get overdrafts(): number {
    return this.#overdrafts
  }

  /** Takes `bytes` if they fit now. */
  tryTake(bytes: number): boolean {
    if (this.#used + bytes > this.#limit) return false
    this.#add(bytes)
    return true
  }

  /** Takes `bytes` for work on data that is already inside. Throws `Overdrawn` past the bound; going over the limit is counted. */
  overdraw(bytes: number): void {
    if (this.#used + bytes > this.#limit + this.#overdraftLimit) throw new Overdrawn(this, bytes)
    this.#add(bytes)
    if (this.#used > this.#limit) this.#overdrafts++
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    if (bytes > this.#used) throw new RangeError(`${bytes} bytes given back, ${this.#used} taken`)
    this.#used -= bytes
    for (const watcher of this.#watchers) watcher()
  }

  /** Calls `watcher` after each `give`; returns how to stop it. */
  onGiven(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  #add(bytes: number): void {
    this.#used += bytes
    if (this.#used > this.#peak) this.#peak = this.#used
  }
}
