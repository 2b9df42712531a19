import type { HttpExchange } from './trace.ts'

/** Processes that are known to hand requests from thread to thread. */
const WANDERING_MOST = 4096

/**
 * Which requests each thread is serving. A call that a thread makes while it serves just one is taken to be part of that; where there are several
 * (an event loop) or threads pass requests on (Go), nobody can tell, and nothing is guessed.
 */
export class Serving {
  readonly #byThread = new Map<number, HttpExchange[]>()
  readonly #wandering = new Set<number>()

  begin(exchange: HttpExchange): void {
    const served = this.#byThread.get(exchange.tid)
    if (served === undefined) {
      exchange.place = 0
      this.#byThread.set(exchange.tid, [exchange])
      return
    }
    exchange.place = served.length
    served.push(exchange)
  }

  end(exchange: HttpExchange): void {
    const { place, tid } = exchange
    if (place < 0) return
    exchange.place = -1
    const served = this.#byThread.get(tid)
    if (served === undefined) return
    const last = served.pop()!
    if (last !== exchange) {
      served[place] = last
      last.place = place
    } else if (served.length === 0) this.#byThread.delete(tid)
    if (exchange.answerTid !== 0 && exchange.answerTid !== tid) this.#wanders(exchange.pid)
  }

  /** The one request that the thread of this call serves; undefined where it serves none, `AMBIGUOUS` where nobody can tell. */
  parentOf(call: HttpExchange): HttpExchange | typeof AMBIGUOUS | undefined {
    const served = this.#byThread.get(call.tid)
    if (served === undefined) return undefined
    const [only] = served
    if (served.length > 1 || !only || only.pid !== call.pid || this.#wandering.has(call.pid)) return AMBIGUOUS
    return only
  }

  get threads(): number {
    return this.#byThread.size
  }

  #wanders(pid: number): void {
    if (this.#wandering.size >= WANDERING_MOST) this.#wandering.clear()
    this.#wandering.add(pid)
  }
}

export const AMBIGUOUS = Symbol('ambiguous')
