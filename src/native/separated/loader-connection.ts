import type { Addon, MessageSocket, NativeError } from '../addon.ts'
import { Unavailable } from '../loader.ts'
import { reasonOf } from '../reasons.ts'
import { Answers, PROTOCOL_VERSION, REQUEST_BYTES_MAX } from './protocol.ts'
import type { Answer, Call, Welcome } from './protocol.ts'

/** Milliseconds for the loader to say who it is, and to answer: a load waits for the verifier, programs by the dozen. */
const WELCOME_MS = 5_000
const ANSWER_MS = 120_000
/** Calls that may be under way. */
const CALLS_MAX = 128

export interface Answered {
  readonly result: unknown
  readonly descriptors: readonly number[]
}

interface Waiting {
  readonly resolve: (answered: Answered) => void
  readonly reject: (reason: Error) => void
  readonly timer: NodeJS.Timeout
}

/** A connection to the loader, from the welcome until either side goes. */
export class LoaderConnection {
  readonly #addon: Addon
  readonly #socket: MessageSocket
  readonly #waiting = new Map<number, Waiting>()
  readonly #answers = new Answers()
  readonly #lost: (reason: Error) => void
  #descriptors: number[] = []
  #last = 0
  #over: Error | undefined

  /** Resolves once the loader has said that it serves this process; rejects with `Unavailable`. `lost` is called once, if it goes after that. */
  static async open(addon: Addon, path: string, lost: (reason: Error) => void): Promise<LoaderConnection> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let isWelcome = false
    const connection = new LoaderConnection(addon, connected(addon, path), (reason) =>
      isWelcome ? lost(reason) : reject(reason),
    )
    connection.#welcome(() => {
      isWelcome = true
      resolve()
    }, path)
    await promise
    return connection
  }

  private constructor(addon: Addon, socket: MessageSocket, lost: (reason: Error) => void) {
    this.#addon = addon
    this.#socket = socket
    this.#lost = lost
  }

  /** The loader's process, as this one sees it. */
  get pid(): number {
    return this.#socket.peer.pid
  }

  get isOpen(): boolean {
    return this.#over === undefined
  }

  /** Asks, and resolves to the answer. Rejects with `Unavailable` where the loader cannot, or has gone. */
  call(call: Call, asked: object = {}): Promise<Answered> {
    if (this.#over) return Promise.reject(this.#over)
    if (this.#waiting.size >= CALLS_MAX)
      return Promise.reject(new Unavailable('the loader has not answered what it was asked before'))
    const id = ++this.#last
    const message = Buffer.from(JSON.stringify({ id, call, ...asked }))
    if (message.length > REQUEST_BYTES_MAX)
      return Promise.reject(new Unavailable(`a request of ${message.length} bytes is too large for the loader`))
    const { promise, resolve, reject } = Promise.withResolvers<Answered>()
    const timer = setTimeout(() => this.#end('it did not answer in time'), ANSWER_MS)
    this.#waiting.set(id, { resolve, reject, timer })
    this.#send(message)
    return promise
  }

  /** Without telling anybody: whoever waits for an answer hears that it was closed. */
  close(): void {
    this.#finish(new Unavailable('the connection to the loader was closed'))
  }

  #welcome(welcome: () => void, path: string): void {
    const timer = setTimeout(() => this.#end('it did not say who it is'), WELCOME_MS)
    let isWelcome = false
    this.#socket.onClose((reason) => {
      clearTimeout(timer)
      this.#end(reason?.message ?? 'it closed the connection')
    })
    this.#socket.onMessage((message, descriptors) => {
      this.#descriptors.push(...descriptors)
      try {
        const answer = this.#answers.take(message)
        if (answer === undefined) return
        if (isWelcome) return this.#settle(answer as Answer)
        clearTimeout(timer)
        isWelcome = agreed(answer as Welcome, path)
        welcome()
      } catch (thrown) {
        clearTimeout(timer)
        this.#fail(thrown as Error)
      }
    })
    this.#send(Buffer.from(JSON.stringify({ telegen: PROTOCOL_VERSION })))
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id)
    const descriptors = this.#descriptors
    this.#descriptors = []
    if (waiting === undefined) return closeAll(this.#addon, descriptors)
    this.#waiting.delete(answer.id)
    clearTimeout(waiting.timer)
    if ('result' in answer) return waiting.resolve({ result: answer.result, descriptors })
    closeAll(this.#addon, descriptors)
    const { message, passedOver } = answer.failed
    waiting.reject(new Unavailable(message, passedOver))
  }

  #send(message: Buffer): void {
    try {
      this.#socket.send(message)
    } catch (thrown) {
      // Where it has gone, reading says so, after what it had said before: that it refuses, and why.
      if ((thrown as Partial<NativeError>).code === 'EPIPE') return
      // Not before whoever called has the promise that is to be rejected.
      queueMicrotask(() => this.#end(reasonOf(thrown)))
    }
  }

  #end(reason: string): void {
    this.#fail(new Unavailable(`the loader is gone: ${reason}`))
  }

  #fail(reason: Error): void {
    if (this.#over) return
    this.#finish(reason)
    this.#lost(reason)
  }

  #finish(reason: Error): void {
    if (this.#over) return
    this.#over = reason
    this.#socket.close()
    closeAll(this.#addon, this.#descriptors)
    this.#descriptors = []
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer)
      reject(reason)
    }
    this.#waiting.clear()
  }
}

function connected(addon: Addon, path: string): MessageSocket {
  try {
    return addon.MessageSocket.connect(path)
  } catch (thrown) {
    throw new Unavailable(`the loader does not answer at ${path} (telegen bpf-loader): ${reasonOf(thrown)}`)
  }
}

function agreed(welcome: Welcome, path: string): true {
  if ('refused' in welcome) throw new Unavailable(`the loader at ${path} refuses: ${welcome.refused}`)
  if (welcome.telegen !== PROTOCOL_VERSION)
    throw new Unavailable(`what answers at ${path} does not speak version ${PROTOCOL_VERSION} of the loader's protocol`)
  return true
}

export function closeAll(addon: Addon, descriptors: readonly number[]): void {
  for (const descriptor of descriptors) addon.closeDescriptor(descriptor)
}
