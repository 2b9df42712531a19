import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What a process of the harness offers to the one that started it: functions of one argument. */
// oxlint-disable-next-line typescript/no-explicit-any -- each service says its own argument types.
type Service = Record<string, (argument: any) => unknown>

interface Question {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

/** Answers the calls of the process that forked this one, and ends with it. */
export function serve(service: Service): void {
  process.on('message', ({ id, name, argument }: Question) => {
    const answer = (reply: Answer) => process.send?.(reply)
    Promise.resolve()
      .then(() => service[name]?.(argument))
      .then((result) => answer({ id, result }))
      .catch((error: unknown) => answer({ id, error: String((error as Error).stack ?? error) }))
  })
  process.on('disconnect', () => process.exit())
}

/** A process of the harness, as seen by the one that started it. */
export class Peer<S extends Service> {
  readonly pid: number
  readonly #child: ChildProcess
  readonly #open = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>()
  #calls = 0

  /** `file`: beside this one; its types are `S`. */
  constructor(file: string) {
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), { serialization: 'advanced' })
    this.pid = this.#child.pid as number
    this.#child.on('message', ({ id, result, error }: Answer) => {
      const waiting = this.#open.get(id)
      this.#open.delete(id)
      if (error === undefined) waiting?.resolve(result as never)
      else waiting?.reject(new Error(`${file}: ${error}`))
    })
    this.#child.on('exit', (code) => {
      for (const { reject } of this.#open.values()) reject(new Error(`${file} ended with ${code}`))
      this.#open.clear()
    })
  }

  call<K extends keyof S & string>(
    name: K,
    ...argument: Parameters<S[K]> extends [] ? [] : [Parameters<S[K]>[0]]
  ): Promise<Awaited<ReturnType<S[K]>>> {
    const id = this.#calls++
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject })
      const question: Question = { id, name, argument: argument[0] }
      this.#child.send(question, (error) => error && reject(error))
    })
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exit
  }
}
