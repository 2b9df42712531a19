import { ALWAYS, type Bits, HIGHEST, isLess, keeps, NEVER, probabilityOf, thresholdOf } from './bits.ts'

/** How a record is chosen, as the Collector's `probabilistic_sampler` names it; `never` keeps none. */
export type Mode =
  | { readonly kind: 'never' }
  | { readonly kind: 'hash_seed'; readonly threshold: Bits }
  | { readonly kind: 'equalizing'; readonly threshold: Bits }
  /** `ratio` of what arrives, of which some may have been sampled before. */
  | { readonly kind: 'proportional'; readonly ratio: number; readonly precision: number }

/** Where randomness came from, as `policy` says in the Collector's metrics; another one is an attribute's name. */
export const MISSING = 'missing_randomness'
export const TRACE_ID_HASH = 'trace_id_hash'
export const TRACE_ID = 'trace_id_w3c'
export const RANDOMNESS = 'sampling_randomness'
export const PRIORITY = 'sampling_priority'

/** One record, as sampling sees it. */
export interface Candidate {
  /** What it carries of earlier sampling could be read. */
  readonly isSound: boolean
  readonly randomness: Bits | undefined
  readonly threshold: Bits | undefined
  /** The randomness of its trace id. */
  readonly ofTraceId: () => Bits | undefined
  /** The hash of its trace id or attribute. */
  readonly hashed: () => Bits | undefined
  /** What `hashed` hashed. */
  readonly hashPolicy: string
  /** Whether a record in which nothing could be hashed is marked as random too: spans are. */
  readonly marksMissing: boolean
  /** The threshold that it asks for itself, whatever was decided. */
  readonly priority: () => Bits | undefined
}

/**
 * Decides record by record. What `decide` found beside its answer stands in the fields until the next one.
 */
export class Decision {
  policy = MISSING
  /** Whether what follows is to be written to the record that is kept. */
  writes = false
  /** Randomness that it did not have. */
  randomness: Bits | undefined
  /** The threshold to be written; undefined where the one that it has stays. */
  threshold: Bits | undefined
  readonly #mode: Mode
  readonly #failed: Bits
  #incoming: Bits | undefined
  #outgoing: Bits = NEVER

  /** `failClosed`: what cannot be decided is dropped, and kept otherwise. */
  constructor(mode: Mode, failClosed: boolean) {
    this.#mode = mode
    this.#failed = failClosed ? NEVER : ALWAYS
  }

  decide(candidate: Candidate): boolean {
    let incoming = candidate.threshold
    let isGood = this.#look(candidate)
    let randomness = this.#randomness
    if (isGood && randomness === undefined) isGood = false
    else if (isGood && this.writes && incoming !== undefined && !keeps(incoming, randomness!)) {
      // It should not have come: what its threshold says is not true.
      incoming = undefined
      isGood = false
    }
    randomness ??= HIGHEST
    let threshold = isGood ? this.#thresholdFor(incoming) : this.#failed
    const asked = candidate.priority()
    if (asked !== undefined) {
      threshold = asked
      this.policy = PRIORITY
    }
    // Probability may only fall.
    this.threshold = incoming !== undefined && isLess(threshold, incoming) ? undefined : threshold
    return keeps(threshold, randomness)
  }

  /** Finds the randomness and its policy; false where what the record carries forbids a decision. */
  #look(candidate: Candidate): boolean {
    const { isSound, randomness, threshold } = candidate
    this.randomness = undefined
    switch (this.#mode.kind) {
      case 'never':
        this.writes = true
        this.#found(HIGHEST, PRIORITY)
        return isSound
      case 'hash_seed':
        this.#found(candidate.hashed(), candidate.hashPolicy)
        this.writes = isSound && randomness === undefined && threshold === undefined
        if (this.writes && (candidate.marksMissing || this.#randomness)) this.randomness = this.#randomness ?? HIGHEST
        return this.writes
      default:
        this.writes = isSound
        if (isSound && randomness !== undefined) this.#found(randomness, RANDOMNESS)
        else this.#found(isSound ? candidate.ofTraceId() : undefined, TRACE_ID)
        return isSound
    }
  }

  #randomness: Bits | undefined

  #found(randomness: Bits | undefined, policy: string): void {
    this.#randomness = randomness
    this.policy = randomness === undefined ? MISSING : policy
  }

  #thresholdFor(incoming: Bits | undefined): Bits {
    const mode = this.#mode
    switch (mode.kind) {
      case 'never':
        return NEVER
      case 'hash_seed':
        return mode.threshold
      case 'equalizing':
        return incoming !== undefined && isLess(mode.threshold, incoming) ? incoming : mode.threshold
      case 'proportional':
        return this.#proportionally(incoming ?? ALWAYS, mode.ratio, mode.precision)
    }
  }

  /** Records that arrive together were mostly sampled alike, so the last answer is kept. */
  #proportionally(incoming: Bits, ratio: number, precision: number): Bits {
    const last = this.#incoming
    if (last === undefined || last.high !== incoming.high || last.low !== incoming.low) {
      this.#incoming = incoming
      this.#outgoing = thresholdOf(probabilityOf(incoming) * ratio, precision) ?? NEVER
    }
    return this.#outgoing
  }
}
