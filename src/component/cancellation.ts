/** What an `AbortSignal` is to who only listens: one stands in for it where there is one for each request. */
export interface Abort {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', run: () => void, options?: { readonly once?: boolean }): void
  removeEventListener(type: 'abort', run: () => void): void
}

/**
 * An `AbortController` and its signal in one, for the path where there is one for each request: a controller with a listener costs more
 * than a microsecond, this next to nothing. A real signal is made where somebody asks for it.
 */
export class Cancellation implements Abort {
  #aborted = false
  #reason: unknown
  /** Most have one listener. */
  #first: (() => void) | undefined
  #more: (() => void)[] | undefined
  #controller: AbortController | undefined

  get aborted(): boolean {
    return this.#aborted
  }

  get reason(): unknown {
    return this.#reason
  }

  /** For who needs the real thing, such as `fetch`. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#aborted) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  /** Listeners are called once, in the order in which they came; none of them may throw. */
  abort(reason: unknown): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = reason
    const [first, more] = [this.#first, this.#more]
    this.#first = this.#more = undefined
    this.#controller?.abort(reason)
    first?.()
    for (const run of more ?? []) run()
  }

  addEventListener(_type: 'abort', run: () => void): void {
    if (this.#aborted) return
    if (this.#first === undefined && this.#more === undefined) this.#first = run
    else (this.#more ??= []).push(run)
  }

  removeEventListener(_type: 'abort', run: () => void): void {
    if (this.#first === run) this.#first = undefined
    else this.#more = this.#more?.filter((each) => each !== run)
  }
}
