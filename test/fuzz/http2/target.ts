import { FuzzedTelegen } from '../otlp/fuzzed-telegen.ts'
import type { Look } from '../otlp/fuzzed-telegen.ts'
import { Sink } from '../otlp/sink.ts'
import type { Random } from '../random.ts'
import { Finding } from '../target.ts'
import type { Target } from '../target.ts'
import { ClientProcess } from './client-process.ts'
import { tryClient } from './client-trial.ts'
import { inputText, makeInput, readInput, smallerInputs } from './input.ts'
import type { Http2Input } from './input.ts'
import { tryServer } from './server-trial.ts'

const MEBIBYTE = 2 ** 20
/** Anonymous memory of either process, whatever it is sent. */
const MOST_MEMORY = 600 * MEBIBYTE
/** By which what is reachable may grow after the first look, when nothing is under way. */
const MOST_GROWTH = 32 * MEBIBYTE
/** By which descriptors may: the server's own connections to its backend come and go. */
const MOST_DESCRIPTORS = 16
/** Milliseconds of work at a stretch, whatever comes. */
const LONGEST_STALL = 1000
const SETTLING = 30_000

interface Process {
  readonly alive: boolean
  readonly end: string
  readonly memory: number
  readonly descriptors: number
  look(): Promise<Look>
}

interface Baseline {
  readonly heap: number
  readonly descriptors: number
}

/** Conversations of real peers, and made up ones, changed in their frames and bytes: said to Telegen's server, and answered to its client. */
export class Http2Target implements Target<Http2Input> {
  readonly name = 'http2'
  readonly parallel = 12
  readonly settleEvery: number
  readonly #side: 'server' | 'client' | undefined
  readonly #sink = new Sink()
  readonly #words = new Map<string, number>()
  readonly #first = new Map<string, Baseline>()
  readonly #slowest = { answer: 0 }
  #sinkPort = 0
  #telegen: FuzzedTelegen | undefined
  #client: ClientProcess | undefined
  #memory = 0
  #stall = 0

  /** `side`: only inputs to that. */
  constructor(settleEvery = 3000, side?: 'server' | 'client') {
    this.settleEvery = settleEvery
    this.#side = side
  }

  async open(): Promise<void> {
    this.#sinkPort = await this.#sink.open()
    await this.#start()
  }

  make(random: Random): Http2Input {
    for (;;) {
      const input = makeInput(random)
      if (this.#side === undefined || this.#side === input.to) return input
    }
  }

  async run({ to, connections, sound }: Http2Input): Promise<void> {
    const [telegen, client] = [this.#telegen as FuzzedTelegen, this.#client as ClientProcess]
    try {
      const words =
        to === 'server'
          ? await tryServer(telegen.ports.work.grpc, connections, sound, this.#slowest)
          : await tryClient(client, connections[0] ?? [], sound)
      for (const word of words) this.#words.set(word, (this.#words.get(word) ?? 0) + 1)
    } catch (thrown) {
      if (!telegen.alive) throw new Finding('crash of the server', telegen.end, { cause: thrown })
      if (!client.alive) throw new Finding('crash of the client', client.end, { cause: thrown })
      throw thrown
    }
  }

  async settled(): Promise<void> {
    const telegen = this.#telegen as FuzzedTelegen
    const client = this.#client as ClientProcess
    await this.#judge('server', telegen)
    await this.#judge('client', client)
    await until(
      async () => (await telegen.charged()) === 0,
      'leak of budget',
      () => 'bytes are charged for nothing',
    )
    const [error] = telegen.errors()
    if (error !== undefined) throw new Finding(`logged: ${generic(error)}`, error)
    if (this.#sink.problem !== undefined) throw new Finding('unsound output', this.#sink.problem)
  }

  async #judge(name: string, process: Process): Promise<void> {
    if (!process.alive) throw new Finding(`crash of the ${name}`, process.end)
    const { heap, stall } = await process.look()
    this.#memory = Math.max(this.#memory, process.memory)
    this.#stall = Math.max(this.#stall, stall)
    const first = this.#first.get(name) ?? { heap, descriptors: process.descriptors }
    this.#first.set(name, first)
    if (stall > LONGEST_STALL) throw new Finding(`stall of the ${name}`, `it was busy for ${Math.round(stall)} ms`)
    if (process.memory > MOST_MEMORY)
      throw new Finding(`memory of the ${name}`, `${mebibytes(process.memory)} are resident`)
    if (heap - first.heap > MOST_GROWTH)
      throw new Finding(
        `leak of the ${name}`,
        `${mebibytes(heap)} are reachable, ${mebibytes(first.heap)} were at first`,
      )
    await until(
      () => process.descriptors - first.descriptors <= MOST_DESCRIPTORS,
      `leak of descriptors of the ${name}`,
      () => `${process.descriptors} are open, ${first.descriptors} were at first`,
    )
  }

  async reopen(): Promise<void> {
    await this.#stop()
    this.#sink.problem = undefined
    this.#memory = 0
    await this.#start()
  }

  async close(): Promise<void> {
    const code = await this.#stop()
    await this.#sink.close()
    if (code !== 0) throw new Finding('bad end', `exit code ${code} after SIGTERM`)
  }

  smaller = smallerInputs
  text = inputText
  read = readInput

  told(): string {
    const words = [...this.#words].sort(([, left], [, right]) => right - left)
    const figures = `${mebibytes(this.#memory)}, longest stall ${Math.round(this.#stall)} ms, slowest answer ${Math.round(this.#slowest.answer)} ms`
    return `${figures}, ${words.map(([word, times]) => `${word}: ${times}`).join(', ')}`
  }

  async #start(): Promise<void> {
    this.#telegen = await FuzzedTelegen.start(this.#sinkPort)
    this.#client = new ClientProcess()
    this.#first.clear()
    await this.#telegen.look()
    await this.#client.look()
  }

  async #stop(): Promise<number | null> {
    await this.#client?.stop()
    return (await this.#telegen?.stop()) ?? null
  }
}

async function until(holds: () => boolean | Promise<boolean>, kind: string, told: () => string): Promise<void> {
  for (const end = performance.now() + SETTLING; !(await holds());) {
    if (performance.now() > end) throw new Finding(kind, told())
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / MEBIBYTE)} MiB`

/** A log line without what is different each time. */
const generic = (line: string): string => line.split('\t').slice(1).join(' ').replaceAll(/\d+/g, 'N').slice(0, 200)
