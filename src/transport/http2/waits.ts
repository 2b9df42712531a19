/** A connection must have sent HTTP/2's preface by then, or when a message must have arrived, if that is sooner. In milliseconds. */
const PREFACE_TIMEOUT = 20_000
/** Until what was written has left: a client that does not take it is gone, or means it. */
export const ANSWER_TIMEOUT = 60_000

/** What a connection waits for its client to do, none of it for ever. Times in milliseconds on a clock that never jumps. */
export class Waits {
  readonly #patience: number
  #preface: number
  #frame = Infinity
  #taking = Infinity

  /** `patience`: how long a message may take to arrive. */
  constructor(patience: number, now: number) {
    this.#patience = patience
    this.#preface = now + Math.min(PREFACE_TIMEOUT, patience)
  }

  /** When the first of them is over. */
  get next(): number {
    return Math.min(this.#preface, this.#frame, this.#taking)
  }

  /** The client has begun to speak. */
  prefaced(): void {
    this.#preface = Infinity
  }

  /** Whether a frame, or a block of headers, has come in part; `isNew`: others have come since this was last said. */
  inside(isInside: boolean, isNew: boolean, now: number): void {
    if (!isInside) this.#frame = Infinity
    else if (isNew || this.#frame === Infinity) this.#frame = now + this.#patience
  }

  get isTaking(): boolean {
    return this.#taking !== Infinity
  }

  /** Whether the client has to take what was written before it is read again. */
  taking(isTaking: boolean, now: number): void {
    this.#taking = isTaking ? now + ANSWER_TIMEOUT : Infinity
  }
}
