/** Measures several tasks against a baseline by short windows in turn, because a machine that others use drifts. */
import { performance, PerformanceObserver } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface Task {
  readonly name: string
  /** Does some work and returns how many items that was. `turn` counts up. */
  readonly work: (turn: number) => number
}

export interface Measured {
  readonly name: string
  /** Median over the rounds, in a second of processor time of all threads. */
  readonly itemsPerSecond: number
  /** Median over the rounds of the ratio to the baseline in the same round. */
  readonly ratio: number
  /** Share of the time that the main thread stood still for the garbage collector. */
  readonly gcShare: number
}

export interface Effort {
  readonly rounds: number
  readonly windowMs: number
  /** Before the rounds, so that the compiler is done with the task. */
  readonly warmUpMs: number
}

/** A window lasts for this many turns at least, or slow tasks would be measured by one. */
const FEWEST_TURNS = 3

/** The first task is the baseline. */
export async function measure(tasks: readonly Task[], { rounds, windowMs, warmUpMs }: Effort): Promise<Measured[]> {
  const collector = new GcTimes()
  const rates = tasks.map((): number[] => [])
  const walls = tasks.map(() => 0)
  const pauses = tasks.map(() => 0)
  for (const task of tasks) runWindow(task, warmUpMs)
  for (let round = 0; round < rounds; round++) {
    for (const [index, task] of tasks.entries()) {
      // What the task before has left behind is not this one's to collect; and what the collector threw away of its
      // compiled code is not this one's to make again.
      collectGarbage()
      runWindow(task, windowMs / 2)
      await collector.settle()
      const { items, cpuSeconds, wallMs } = runWindow(task, windowMs)
      rates[index]!.push(items / cpuSeconds)
      walls[index]! += wallMs
      pauses[index]! += await collector.settle()
    }
  }
  const baseline = rates[0]!
  return tasks.map(({ name }, index) => ({
    name,
    itemsPerSecond: median(rates[index]!),
    ratio: median(rates[index]!.map((rate, round) => rate / baseline[round]!)),
    gcShare: pauses[index]! / walls[index]!,
  }))
}

function runWindow(task: Task, windowMs: number): { items: number; cpuSeconds: number; wallMs: number } {
  let items = 0
  const cpu = process.cpuUsage()
  const start = performance.now()
  let now = start
  for (let turn = 0; turn < FEWEST_TURNS || now - start < windowMs; turn++) {
    items += task.work(turn)
    now = performance.now()
  }
  const { user, system } = process.cpuUsage(cpu)
  return { items, cpuSeconds: (user + system) / 1e6, wallMs: now - start }
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Adds up the pauses that the garbage collector made. */
class GcTimes {
  #pauseMs = 0

  constructor() {
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.#pauseMs += entry.duration
    })
    observer.observe({ entryTypes: ['gc'] })
  }

  /** Milliseconds since the last call, once all entries have been handed over. */
  async settle(): Promise<number> {
    for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve))
    const pause = this.#pauseMs
    this.#pauseMs = 0
    return pause
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)]!
}
