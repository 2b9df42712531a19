import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Question, Reply } from './load.ts'

/** The load as a process of its own on one core. */
export class LoadProcess {
  readonly #child: ChildProcess

  constructor(core: number) {
    const main = fileURLToPath(new URL('load.ts', import.meta.url))
    this.#child = spawn('taskset', ['-c', String(core), process.execPath, '--max-semi-space-size=32', main], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
  }

  async ask<Q extends Question>(question: Q): Promise<ReplyTo<Q>> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const gone = (): void => reject(new Error('the load ended by a fault of its own; it says which above'))
    this.#child.once('message', resolve).once('exit', gone).once('error', reject)
    this.#child.send(question)
    try {
      return (await promise) as ReplyTo<Q>
    } finally {
      this.#child.removeListener('message', resolve).removeListener('exit', gone).removeListener('error', reject)
    }
  }

  end(): void {
    if (this.#child.connected) this.#child.disconnect()
  }
}

type ReplyTo<Q extends Question> = Q extends { ask: 'window' }
  ? Extract<Reply, { windows: unknown }>
  : Q extends { ask: 'learn' }
    ? Extract<Reply, { kept: unknown }>
    : Extract<Reply, { done: true }>
