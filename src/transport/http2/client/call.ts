import type { Abort } from '../../../component/cancellation.ts'
import { Refused } from '../../../component/refused.ts'
import { refusalOfAbort } from '../../abort.ts'
import type { HeaderField } from '../hpack/header-list.ts'
import type { Tabled } from '../stream-table.ts'
import { Body } from '../windows.ts'
import type { Sending } from '../windows.ts'
import { Answer } from './answer.ts'
import type { Deadlines, Waiting } from './deadlines.ts'

/** Where a call is under way. */
export interface Place {
  /** The call has ended by itself: nothing further is to be done with it. */
  leave(call: Call): void
}

export interface Asked {
  readonly path: string
  readonly message: readonly Buffer[]
  readonly timeout: number
  readonly abort: Abort
}

/** One request and its answer, from when it is asked for until the promise settles: also the stream by which it goes. */
export class Call implements Sending, Waiting, Tabled {
  readonly path: string
  readonly timeout: number
  readonly deadline: number
  readonly began: number
  /** What is sent, by now. */
  message: readonly Buffer[]
  isCompressed = false
  /** Of this call alone, with secrets among them. */
  headers: readonly HeaderField[] = NONE
  place: Place | undefined
  tries = 0

  // The stream. Each try has another one.
  id = 0
  window = 0
  /** When it was begun, by `performance.now()`. */
  sent = 0
  body: Body = NOTHING
  /** Of the outbox that the body has gone to: what is before it is read until the system has taken it. */
  mark = 0
  answer: Answer = new Answer()
  /** Bytes of the answer that the server has no credit for yet. */
  received = 0

  chained: Tabled | undefined = undefined
  before: Waiting | undefined = undefined
  after: Waiting | undefined = undefined
  readonly promise: Promise<Buffer>
  readonly #abort: Abort
  readonly #deadlines: Deadlines
  #resolve!: (answer: Buffer) => void
  #reject!: (refused: Refused) => void
  #isEnded = false
  #readers = 0
  #outcome: Buffer | Refused | undefined

  constructor({ path, message, timeout, abort }: Asked, deadlines: Deadlines) {
    this.path = path
    this.message = message
    this.timeout = timeout
    this.began = performance.now()
    this.deadline = this.began + timeout
    this.#abort = abort
    this.#deadlines = deadlines
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    abort.addEventListener('abort', this.#aborted)
    deadlines.add(this)
  }

  /** Its outcome is certain. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  /** The first outcome counts. The promise settles when nobody reads the message any more. */
  end(outcome: Buffer | Refused): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#deadlines.remove(this)
    this.#abort.removeEventListener('abort', this.#aborted)
    const { place } = this
    this.place = undefined
    this.#outcome = outcome
    place?.leave(this)
    if (this.#readers === 0) this.#settle()
  }

  /** Somebody reads the message, until the returned function is called. */
  hold(): () => void {
    this.#readers++
    return () => {
      if (--this.#readers === 0 && this.#isEnded) this.#settle()
    }
  }

  #settle(): void {
    const outcome = this.#outcome as Buffer | Refused
    if (outcome instanceof Refused) this.#reject(outcome)
    else this.#resolve(outcome)
  }

  overdue(): void {
    const message = 'the request took longer than its timeout'
    this.end(new Refused(message, { code: 'deadline_exceeded', retry: {} }))
  }

  readonly #aborted = (): void => this.end(refusalOfAbort(this.#abort))
}

const NONE: readonly HeaderField[] = []
const NOTHING = new Body([], true, () => {})
