/** What has a deadline, in a list with others of the same patience. */
export interface Waiting {
  /** When it ends, by `performance.now()`. */
  readonly deadline: number
  /** How long it may take; 0 for ever. */
  readonly timeout: number
  /** The list's own. */
  before: Waiting | undefined
  after: Waiting | undefined
  overdue(): void
}

interface List {
  first: Waiting | undefined
  last: Waiting | undefined
}

/** Different timeouts come from the configuration: there are few. More than so many are looked at together, in any order. */
const MOST_LISTS = 64
const OTHERS = -1
/** Timers run no longer. */
const MOST_DELAY = 2 ** 31 - 1

/**
 * Tells each that its time is over, by one timer for all of them: a timer for each request costs more than half a microsecond. Those with
 * the same timeout end in the order in which they came.
 */
export class Deadlines {
  readonly #lists = new Map<number, List>()
  #timer: NodeJS.Timeout | undefined
  #at = Infinity

  add(waiting: Waiting): void {
    if (waiting.timeout <= 0) return
    const list = this.#listOf(waiting.timeout)
    waiting.before = list.last
    if (list.last) list.last.after = waiting
    else list.first = waiting
    list.last = waiting
    if (waiting.deadline < this.#at) this.#arm(waiting.deadline)
  }

  remove(waiting: Waiting): void {
    if (waiting.timeout <= 0) return
    const { before, after } = waiting
    const list = before && after ? undefined : this.#listOf(waiting.timeout)
    if (before) before.after = after
    else if (list?.first === waiting) list.first = after
    if (after) after.before = before
    else if (list?.last === waiting) list.last = before
    waiting.before = waiting.after = undefined
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#lists.clear()
  }

  #listOf(timeout: number): List {
    const known = this.#lists.get(timeout)
    if (known) return known
    const key = this.#lists.size < MOST_LISTS ? timeout : OTHERS
    const list = this.#lists.get(key) ?? { first: undefined, last: undefined }
    this.#lists.set(key, list)
    return list
  }

  #arm(at: number): void {
    clearTimeout(this.#timer)
    this.#at = at
    const delay = Math.min(MOST_DELAY, Math.max(1, Math.ceil(at - performance.now())))
    this.#timer = setTimeout(this.#look, delay)
  }

  readonly #look = (): void => {
    const now = performance.now()
    const overdue: Waiting[] = []
    let next = Infinity
    for (const [timeout, { first }] of this.#lists)
      for (let each = first; each; each = each.after) {
        if (each.deadline <= now) overdue.push(each)
        else {
          next = Math.min(next, each.deadline)
          if (timeout !== OTHERS) break
        }
      }
    this.#at = Infinity
    if (next < Infinity) this.#arm(next)
    for (const each of overdue) each.overdue()
  }
}
