import type { FuzzedTelegen, Look } from './otlp/fuzzed-telegen.ts'
import type { Sink } from './otlp/sink.ts'
import { Finding } from './target.ts'

const MEBIBYTE = 2 ** 20
/** Milliseconds in which everything is let go of. The machine may be busy with others. */
const SETTLING = 30_000
/** By which descriptors may grow: a server's own connections to its backend come and go. */
const MOST_DESCRIPTORS = 16
/** A message of a MiB, whatever is in it, may keep the event loop this long at most, in milliseconds. */
const LONGEST_STALL = 1000

export interface Process {
  readonly alive: boolean
  /** How it ended, where it did. */
  readonly end: string
  /** Resident, in bytes. */
  readonly memory: number
  readonly descriptors: number
  look(): Promise<Look>
}

/** MiB that a process may have, whatever it is sent. */
export interface Bounds {
  /** Anonymous memory. */
  readonly memory: number
  /** By which what is reachable may grow after the first look, when nothing is under way. */
  readonly growth: number
}

/** Holds a process to its bounds. */
export class Watch {
  readonly #name: string
  readonly #bounds: Bounds
  #memory = 0
  #stall = 0
  #first: { readonly heap: number; readonly descriptors: number } | undefined

  constructor(name: string, bounds: Bounds) {
    this.#name = name
    this.#bounds = bounds
  }

  /** It is another process now. */
  renew(): void {
    this.#memory = 0
    this.#first = undefined
  }

  /** What is true of it when nothing is under way; throws the finding. */
  async judge(process: Process): Promise<void> {
    if (!process.alive) throw this.#finding('crash', process.end)
    const { heap, stall } = await process.look()
    const { memory, descriptors } = process
    this.#memory = Math.max(this.#memory, memory)
    this.#stall = Math.max(this.#stall, stall)
    const first = (this.#first ??= { heap, descriptors })
    if (stall > LONGEST_STALL)
      throw this.#finding('stall', `the event loop was busy for ${Math.round(stall)} ms at a stretch`)
    if (memory > this.#bounds.memory * MEBIBYTE) throw this.#finding('memory', `${mebibytes(memory)} are resident`)
    if (heap - first.heap > this.#bounds.growth * MEBIBYTE)
      throw this.#finding('leak', `${mebibytes(heap)} are reachable, ${mebibytes(first.heap)} were at first`)
    await until(
      () => process.descriptors - first.descriptors <= MOST_DESCRIPTORS,
      () => this.#finding('leak of descriptors', `${process.descriptors} are open, ${first.descriptors} were at first`),
    )
  }

  get told(): string {
    return `${this.#name}: ${mebibytes(this.#memory)}, longest stall ${Math.round(this.#stall)} ms`
  }

  #finding(what: string, message: string): Finding {
    return new Finding(`${what} of the ${this.#name}`, message)
  }
}

/** That nothing is charged for nothing, that nothing was thrown where nobody waits for it, and that the backend understood what it got. */
export async function judgeWork(telegen: FuzzedTelegen, sink: Sink): Promise<void> {
  await until(
    async () => (await telegen.charged()) === 0,
    () => new Finding('leak of budget', 'bytes are charged for nothing'),
  )
  const [error] = telegen.errors()
  if (error !== undefined) throw new Finding(`logged: ${generic(error)}`, error)
  if (sink.problem !== undefined) throw new Finding('unsound output', sink.problem)
}

async function until(holds: () => boolean | Promise<boolean>, finding: () => Finding): Promise<void> {
  for (const end = performance.now() + SETTLING; !(await holds());) {
    if (performance.now() > end) throw finding()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / MEBIBYTE)} MiB`

/** A log line without what is different each time. */
const generic = (line: string): string => line.split('\t').slice(1).join(' ').replaceAll(/\d+/g, 'N').slice(0, 200)
