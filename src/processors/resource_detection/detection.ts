import type { Clock, Value } from '../../plugin.ts'
import type { Detected, Detector } from './detector.ts'

export interface Round {
  /** What the detectors found that this round heard from, and before it from the others. */
  readonly attributes: ReadonlyMap<string, Value>
  readonly failures: readonly string[]
  readonly missing: readonly string[]
}

/** Asks all detectors at once, as often as it is told to. What one found stays until it finds something else. */
export class Detection {
  readonly #detectors: readonly Detector[]
  readonly #clock: Clock
  readonly #timeout: number
  readonly #found: ReadonlyMap<string, Value>[] = []

  constructor(detectors: readonly Detector[], clock: Clock, timeout: number) {
    this.#detectors = detectors
    this.#clock = clock
    this.#timeout = timeout
  }

  async round(stop: AbortSignal): Promise<Round> {
    const abort = new AbortController()
    const reason = new Error(`no answer within ${this.#timeout} ms`)
    const timer = this.#clock.after(this.#timeout, () => abort.abort(reason))
    const signal = AbortSignal.any([abort.signal, stop])
    const results = await Promise.all(this.#detectors.map((detector) => answer(detector, signal)))
    timer.cancel()

    const failures: string[] = []
    const missing: string[] = []
    for (const [index, result] of results.entries()) {
      const { name } = this.#detectors[index] as Detector
      const failure = result instanceof Error ? result : result.failure
      if (failure !== undefined) failures.push(`${name}: ${failure.message}`)
      if (result instanceof Error) continue
      missing.push(...result.missing)
      // A part that failed leaves what an earlier round found of it.
      const before = failure === undefined ? undefined : this.#found[index]
      this.#found[index] = new Map([...(before ?? []), ...result.attributes])
    }
    return { attributes: this.#merged(), failures, missing }
  }

  /** The first detector that knows an attribute decides. */
  #merged(): ReadonlyMap<string, Value> {
    const merged = new Map<string, Value>()
    for (const index of this.#detectors.keys())
      for (const [name, value] of this.#found[index] ?? []) if (!merged.has(name)) merged.set(name, value)
    return merged
  }
}

async function answer(detector: Detector, abort: AbortSignal): Promise<Detected | Error> {
  const aborted = new Promise<never>((_, reject) => {
    const leave = (): void => reject(abort.reason as Error)
    if (abort.aborted) leave()
    else abort.addEventListener('abort', leave, { once: true })
  })
  return Promise.race([detector.detect(abort), aborted]).catch((error: Error) => error)
}
