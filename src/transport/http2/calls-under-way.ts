import type { Connection } from './connection.ts'
import type { Entrance } from './entrance.ts'
import { NO_POST, notGrpc } from './refusals.ts'
import type { ServerStream } from './server-stream.ts'
import { ANSWER_TIMEOUT } from './waits.ts'

const UNSUPPORTED_MEDIA_TYPE = 415
const NOTHING: Buffer = Buffer.alloc(0)

/** Whoever has the streams. */
export interface StreamOwner {
  isOpen(stream: ServerStream): boolean
  /** It is answered. */
  close(stream: ServerStream): void
  failed(stream: ServerStream, error: unknown): void
  /** There may be credit to give. */
  giveCredit(): void
}

/** The requests of a connection whose messages are whole: they are with their methods, and then they are answered. */
export class CallsUnderWay {
  /** With their methods, whether their clients still wait or not. */
  count = 0
  readonly #connection: Connection
  readonly #entrance: Entrance
  readonly #owner: StreamOwner

  constructor(connection: Connection, entrance: Entrance, owner: StreamOwner) {
    this.#connection = connection
    this.#entrance = entrance
    this.#owner = owner
  }

  begin(stream: ServerStream): void {
    if (stream.state !== 'complete') return
    if (stream.head.kind === 'plain') return this.#answerPlain(stream)
    const { length } = stream
    this.#connection.credit.handedOver(length)
    this.count++
    this.#entrance.handOver(stream).then(
      (answer) => {
        this.#settled(length)
        if (stream.state !== 'over') this.#succeed(stream, answer ?? NOTHING)
      },
      (error: unknown) => {
        this.#settled(length)
        this.#owner.failed(stream, error)
      },
    )
  }

  #settled(length: number): void {
    this.count--
    this.#connection.credit.answered(length)
    this.#owner.giveCredit()
  }

  #succeed(stream: ServerStream, answer: Buffer): void {
    stream.finish()
    if (answer.length === 0 && this.#connection.answers.empty(stream)) return this.#owner.close(stream)
    this.#answer(stream, (sent) => this.#connection.answers.message(stream, answer, sent))
  }

  /** What a window is too narrow for is waited for, but not for ever. */
  #answer(stream: ServerStream, write: (sent: () => void) => void): void {
    stream.deadline = performance.now() + ANSWER_TIMEOUT
    write(() => this.#owner.close(stream))
    if (this.#owner.isOpen(stream)) this.#connection.due(stream.deadline)
  }

  #answerPlain(stream: ServerStream): void {
    const { answers } = this.#connection
    stream.finish()
    if (!stream.head.isPost) return this.#answer(stream, (sent) => answers.noPost(stream, NO_POST, sent))
    answers.refusal(stream.id, notGrpc(stream.head), UNSUPPORTED_MEDIA_TYPE)
    this.#owner.close(stream)
  }
}
