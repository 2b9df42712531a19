import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CreateFailed } from '../../graph/components.ts'
import type { Failure, FromWorker, Request, TappedBytes, ToWorker, Word } from './messages.ts'

/** How a process ended, in words. */
export type Ending = string

interface Asked {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** What came of a worker that has ended. */
export class WorkerEnded extends Error {
  constructor(index: number, ending: Ending) {
    super(`worker ${index} has ended (${ending})`)
    this.name = 'WorkerEnded'
  }
}

/** One process beside the first, as the first sees it. */
export class WorkerProcess {
  readonly index: number
  /** Resolves when it has ended, in whatever way. */
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess
  readonly #asked = new Map<number, Asked>()
  #lastId = 0
  #ending: Ending | undefined

  /** `entry` is the module that it runs. */
  constructor(entry: URL, index: number, onTapped: (tap: number, tapped: TappedBytes) => void) {
    this.index = index
    this.#child = fork(fileURLToPath(entry), [], {
      serialization: 'advanced',
      // A debugger's port is the first process's.
      execArgv: process.execArgv.filter((argument) => !argument.startsWith('--inspect')),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('message', (message: FromWorker) => this.#heard(message, onTapped))
    this.ended = new Promise((resolve) => {
      const end = (ending: Ending) => {
        this.#ending ??= ending
        for (const { reject } of this.#asked.values()) reject(new WorkerEnded(index, this.#ending))
        this.#asked.clear()
        resolve(this.#ending)
      }
      this.#child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`))
      // It could not be made at all, or a message could not be sent: what is dead ends, what is not is ended.
      this.#child.on('error', (error) => {
        if (this.#child.pid === undefined) end(error.message)
        else this.kill()
      })
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get isRunning(): boolean {
    return this.#ending === undefined
  }

  /** Rejects with what it says, where it ends before it answers, or with the reason of `abort`. */
  ask<T>(request: Request, abort: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#ending !== undefined) return reject(new WorkerEnded(this.index, this.#ending))
      if (abort.aborted) return reject(abort.reason as Error)
      const id = ++this.#lastId
      const onAbort = () => {
        this.#asked.delete(id)
        reject(abort.reason as Error)
      }
      abort.addEventListener('abort', onAbort, { once: true })
      const settled =
        <A>(settle: (argument: A) => void) =>
        (argument: A) => {
          abort.removeEventListener('abort', onAbort)
          settle(argument)
        }
      this.#asked.set(id, { resolve: settled(resolve as (value: unknown) => void), reject: settled(reject) })
      this.#send({ kind: 'ask', id, request })
    })
  }

  tell(word: Word): void {
    if (this.#ending === undefined) this.#send({ kind: 'tell', word })
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** What cannot be sent any more is answered by the process's end. */
  #send(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  #heard(message: FromWorker, onTapped: (tap: number, tapped: TappedBytes) => void): void {
    if (message.kind === 'tapped') return onTapped(message.tap, message)
    const asked = this.#asked.get(message.id)
    this.#asked.delete(message.id)
    if (message.kind === 'answer') asked?.resolve(message.value)
    else asked?.reject(errorOf(message.failure))
  }
}

function errorOf({ messages, component }: Failure): Error {
  const [message = 'it failed without a word'] = messages
  if (component) return new CreateFailed(component.kind, component.id, new Error(message))
  return messages.length === 1
    ? new Error(message)
    : new AggregateError(
        messages.map((each) => new Error(each)),
        message,
      )
}
