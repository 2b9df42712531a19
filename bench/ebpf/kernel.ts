import { readdirSync, readFileSync } from 'node:fs'
import { type Addon, inProcessLoader, type KernelLoader, loadAddon, type LoadedTracer } from '../../src/native.ts'
import type { ProgramInfo, Ring } from '../../src/native.ts'
import { tracer } from '../../src/receivers/ebpf/tracers.ts'

const RING_BYTES = 16 * 1024 * 1024
const DRAIN_BYTES = 256 * 1024
const DRAIN_MS = 5
const VERDICT_TRACE = Uint8Array.of(2)
const COUNTER_RING_FULL = 1

/** What tracers must know of their options to be put into the kernel: the defaults. */
const OPTIONS: Readonly<Record<string, unknown>> = {
  http: { server: true, client: true, head_bytes: 1024, connections: 65_536 },
  tcp: { max_connections: 1_048_576, connections: false },
  dns: { ports: [53], payload: 1024, server: false },
  exec: { argument_size: 1024, arguments: true, forks: false },
}
export const TRACERS: readonly string[] = Object.keys(OPTIONS)

/** What was written to the ring while tracers were on. */
export interface Written {
  readonly bytes: number
  readonly lost: number
}

/** Puts tracers into the kernel and takes them away again. What they write is read as the receiver reads it, and thrown away. */
export class Kernel {
  readonly #addon: Addon
  readonly #loader: KernelLoader
  readonly #ring: Ring
  readonly #buffer = Buffer.alloc(DRAIN_BYTES)
  readonly #drains: NodeJS.Timeout
  #on: LoadedTracer[] = []
  #bytes = 0

  private constructor(addon: Addon, loader: KernelLoader, ring: number) {
    this.#addon = addon
    this.#loader = loader
    this.#ring = new addon.Ring(ring)
    this.#drains = setInterval(() => this.#drain(), DRAIN_MS)
  }

  /** `leftOut`: a process that is not traced. */
  static async open(leftOut?: number): Promise<Kernel> {
    const loaded = loadAddon()
    if (loaded.kind === 'unavailable') throw new Error(loaded.reason)
    const { addon, folder } = loaded
    const log = { info() {}, debug() {} }
    const ownPids = leftOut === undefined ? [process.pid] : [process.pid, leftOut]
    const loader = inProcessLoader({ addon, folder, log, ownPids })
    return new Kernel(addon, loader, (await loader.ring(RING_BYTES)).descriptor)
  }

  /** By which hooks they see. */
  get rungs(): readonly string[] {
    return this.#on.map(({ rung }) => rung)
  }

  /** `pids`: processes that were looked at and are traced, as most are on a host. */
  async on(names: readonly string[], pids: readonly number[] = []): Promise<void> {
    for (const name of names) {
      const definition = await tracer(name)
      const options = OPTIONS[name]
      const constants = definition.constants(options)
      const mapSizes = definition.mapSizes(options)
      this.#on.push(await this.#loader.load({ tracer: name, rungs: definition.rungs, constants, mapSizes }))
    }
    for (const pid of pids)
      await this.#on[0]?.update('verdicts', new Uint8Array(Uint32Array.of(pid).buffer), VERDICT_TRACE)
    this.#drain()
    this.#bytes = 0
  }

  async off(): Promise<Written> {
    let lost = 0
    for (const one of this.#on) {
      lost += (await one.counters())[COUNTER_RING_FULL] ?? 0
      await one.close()
    }
    this.#drain()
    this.#on = []
    return { bytes: this.#bytes, lost }
  }

  /** What the kernel says that its programs took while `work` ran. */
  async statistics(work: () => Promise<void>): Promise<readonly ProgramInfo[]> {
    const descriptor = this.#addon.enableStats()
    try {
      const before = await this.#programs()
      await work()
      return (await this.#programs()).map((program) => {
        const earlier = before.find(({ id }) => id === program.id)
        return {
          ...program,
          runTime: program.runTime - (earlier?.runTime ?? 0),
          runs: program.runs - (earlier?.runs ?? 0),
        }
      })
    } finally {
      this.#addon.closeDescriptor(descriptor)
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#drains)
    await this.#loader.close()
    this.#ring.close()
  }

  async #programs(): Promise<readonly ProgramInfo[]> {
    return (await Promise.all(this.#on.map((one) => one.programs()))).flat()
  }

  #drain(): void {
    for (let bytes = this.#ring.drain(this.#buffer); bytes > 0; bytes = this.#ring.drain(this.#buffer))
      this.#bytes += bytes
  }
}

/** Microseconds of processor time of all threads of a process, as the scheduler counts them. */
export function processorTime(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce(
    (sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]) / 1e3,
    0,
  )
}
