import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Random } from '../random.ts'
import { Finding } from '../target.ts'
import type { Target } from '../target.ts'
import { makeConfig, smallerConfigs } from './input.ts'
import type { ConfigInput } from './input.ts'

const JUDGE = new URL('judge.ts', import.meta.url)
/** How long a configuration may take to be judged, in milliseconds. The machine may be busy with others. */
const DEADLINE = 10_000
const MEBIBYTE = 2 ** 20
/** What judging may need: beyond that its thread is ended by V8. */
const MOST_HEAP = 512
const MOST_GROWTH = 64 * MEBIBYTE

/** What a judge says of a configuration. */
export type Verdict =
  | { readonly kind: 'sound' | 'faulty'; readonly faults: number }
  | { readonly kind: 'broken'; readonly promise: string; readonly message: string }
  | { readonly kind: 'memory'; readonly heap: number }

/** Configurations, from text to a graph that is built and thrown away, in a thread that can be ended where one does not. */
export class ConfigTarget implements Target<ConfigInput> {
  readonly name = 'config'
  readonly parallel = 1
  readonly settleEvery = 2000
  readonly #verdicts = new Map<string, number>()
  #judge: Worker | undefined
  #firstHeap: number | undefined
  #heap = 0

  async open(): Promise<void> {
    const worker = new Worker(JUDGE, {
      resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP },
    })
    await once(worker, 'message')
    this.#judge = worker
    this.#firstHeap = undefined
  }

  make(random: Random): ConfigInput {
    return makeConfig(random)
  }

  async run(input: ConfigInput): Promise<void> {
    const verdict = await this.#ask(input)
    this.#verdicts.set(verdict.kind, (this.#verdicts.get(verdict.kind) ?? 0) + 1)
    if (verdict.kind === 'broken') throw new Finding(verdict.promise, verdict.message)
  }

  async settled(): Promise<void> {
    const verdict = await this.#ask('memory')
    if (verdict.kind !== 'memory') throw new Error(`asked for memory, was told ${verdict.kind}`)
    this.#heap = verdict.heap
    this.#firstHeap ??= verdict.heap
    if (verdict.heap - this.#firstHeap > MOST_GROWTH)
      throw new Finding('leak', `${verdict.heap} bytes are reachable, ${this.#firstHeap} were at first`)
  }

  async reopen(): Promise<void> {
    await this.close()
    await this.open()
  }

  async close(): Promise<void> {
    await this.#judge?.terminate()
  }

  smaller = smallerConfigs

  text(input: ConfigInput): string {
    return `${JSON.stringify(input, null, 2)}\n`
  }

  read(text: string): ConfigInput {
    return JSON.parse(text) as ConfigInput
  }

  told(): string {
    const counts = [...this.#verdicts].map(([verdict, times]) => `${verdict}: ${times}`)
    return `${Math.round(this.#heap / MEBIBYTE)} MiB reachable, ${counts.join(', ')}`
  }

  async #ask(question: ConfigInput | 'memory'): Promise<Verdict> {
    const judge = this.#judge as Worker
    const { promise, resolve, reject } = Promise.withResolvers<Verdict>()
    const timer = setTimeout(() => reject(new Finding('hang', `not judged within ${DEADLINE} ms`)), DEADLINE)
    const crashed = (thrown: unknown) => reject(new Finding('crash', `the thread ended: ${String(thrown)}`))
    judge.once('message', resolve).once('exit', crashed).once('error', crashed)
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window.
    judge.postMessage(question)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      judge.off('message', resolve).off('exit', crashed).off('error', crashed)
    }
  }
}
