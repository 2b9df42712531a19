import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/free-ports.ts'
import { configuration } from './configuration.ts'
import { LoadProcess } from './load-process.ts'
import { type Program, Running } from './programs.ts'
import { nameOf, type Scenario } from './scenario.ts'
import type { Load, Ports, Window } from './station.ts'

export interface Effort {
  readonly rounds: number
  readonly windowMs: number
  /** Processor time of each program before the rounds, so that compilers and heaps have found their state. */
  readonly warmUpMs: number
  /** Where the programs run, and where the load does. */
  readonly cores: readonly [programs: number, load: number]
}

/** What one program did in all its windows. */
export interface Score {
  readonly name: string
  readonly windows: readonly Window[]
}

export interface Contest {
  readonly scenario: Scenario
  readonly scores: readonly Score[]
  /** Of the items sent, how many the programs keep on the way: all the same ones. */
  readonly keptShare: number
}

const WARM_UP_WINDOW_MS = 1_000
const MOST_WARM_UPS = 30

/** All programs run at once on one core, and take turns: who comes first changes from round to round. */
export class Ring {
  readonly #scenario: Scenario
  readonly #programs: readonly Program[]
  readonly #effort: Effort
  readonly #load: LoadProcess
  readonly #folder = mkdtempSync(join(tmpdir(), 'telegen-relay-'))
  #running: Running[] = []

  constructor(scenario: Scenario, programs: readonly Program[], effort: Effort) {
    this.#scenario = scenario
    this.#programs = programs
    this.#effort = effort
    this.#load = new LoadProcess(effort.cores[1])
  }

  /** Starts all, sees that they keep the same items, and warms them up. Answers the share that is kept. */
  async open(load: Load): Promise<number> {
    const ports: Ports[] = []
    for (const _ of this.#programs) ports.push({ input: await freePort(), output: await freePort() })
    const scenario = this.#scenario
    await this.#load.ask({ ask: 'open', posts: ports.map((each) => ({ scenario, ports: each, load })) })
    for (const [index, program] of this.#programs.entries())
      this.#running.push(
        await Running.start(program, configuration(this.#scenario, ports[index]!), this.#folder, this.#effort.cores[0]),
      )
    const kept: string[] = []
    for (const target of this.#programs.keys()) kept.push((await this.#load.ask({ ask: 'learn', target })).kept)
    for (const [index, items] of kept.entries())
      if (items !== kept[0])
        throw new Error(`${this.#programs[index]!.name} does not keep the items that ${this.#programs[0]!.name} keeps`)
    for (const target of this.#programs.keys()) await this.#warmUp(target)
    return kept[0]!.replaceAll('0', '').length / kept[0]!.length
  }

  /** In processor time, of which a program gets little where others want the core, too. */
  async #warmUp(target: number): Promise<void> {
    let used = 0
    for (let turn = 0; turn < MOST_WARM_UPS && used < this.#effort.warmUpMs; turn++)
      used += (await this.#window(target, WARM_UP_WINDOW_MS)).cpuMs
  }

  async #window(target: number, ms = this.#effort.windowMs, rate?: number): Promise<Window> {
    const { pid } = this.#running[target]!
    const at = [{ target, ...(rate !== undefined && { rate }) }]
    const { windows } = await this.#load.ask({ ask: 'window', pid, ms, at })
    return windows[0]!
  }

  async rounds(rate?: number): Promise<Score[]> {
    const windows = this.#programs.map((): Window[] => [])
    for (let round = 0; round < this.#effort.rounds; round++)
      for (let turn = 0; turn < windows.length; turn++) {
        const target = (turn + round) % windows.length
        windows[target]!.push(await this.#window(target, this.#effort.windowMs, rate))
      }
    return windows.map((each, index) => ({ name: this.#programs[index]!.name, windows: each }))
  }

  async close(): Promise<void> {
    for (const running of this.#running) {
      const fault = await running.stop()
      if (fault !== undefined) console.error(fault)
    }
    this.#load.end()
    rmSync(this.#folder, { recursive: true })
  }
}

/**
 * The load of one scenario: few connections with requests in parallel over gRPC, many with one each over HTTP/1.1. Over gRPC so many small ones
 * that the program's core is busy: one that waits for work pays for being woken, for each request.
 */
export function loadOf({ protocol, items, gzip }: Scenario): Load {
  const small = items < 100
  const underWay = small ? (protocol === 'grpc' ? 96 : 32) : 8
  const connections = protocol === 'http' ? underWay : 4
  const prepared = gzip ? (small ? 256 : 24) : 2 * underWay
  return { connections, each: underWay / connections, prepared }
}

export async function contest(scenario: Scenario, programs: readonly Program[], effort: Effort): Promise<Contest> {
  const ring = new Ring(scenario, programs, effort)
  try {
    const keptShare = await ring.open(loadOf(scenario))
    return { scenario, keptShare, scores: await ring.rounds() }
  } catch (error) {
    throw new Error(`${nameOf(scenario)}: ${(error as Error).message}`, { cause: error })
  } finally {
    await ring.close()
  }
}
