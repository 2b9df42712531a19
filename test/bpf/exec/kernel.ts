import { inProcessLoader, loadAddon, Unavailable } from '../../../src/native.ts'
import type { LoadedTracer, Ring } from '../../../src/native.ts'
import type { Attributes, LogFields, ProcessNews } from '../../../src/plugin.ts'
import { KernelClock } from '../../../src/receivers/ebpf/clock.ts'
import { HEADER_BYTES, RECORD_BYTES } from '../../../src/receivers/ebpf/event.ts'
import { Selection } from '../../../src/receivers/ebpf/processes/selection.ts'
import { ProcessTable } from '../../../src/receivers/ebpf/processes/table.ts'
import type { Process, Tracer, TracerContext } from '../../../src/receivers/ebpf/tracer.ts'
import { exec } from '../../../src/receivers/ebpf/tracers/exec/index.ts'
import type { ExecOptions } from '../../../src/receivers/ebpf/tracers/exec/options.ts'

export const OPTIONS: ExecOptions = {
  arguments: true,
  command_line: false,
  argument_size: 1024,
  redaction: { builtin: true, names: [], patterns: [] },
  forks: false,
}

export interface Emitted {
  readonly process: Process
  readonly record: LogFields
  readonly attributes: Attributes
}

/** The tracer on one rung in this machine's kernel, with a process table behind it, drained while somebody waits. */
export class ExecInKernel {
  readonly records: Emitted[] = []
  readonly news: ProcessNews[] = []
  readonly dropped: string[] = []
  readonly table: ProcessTable
  readonly #tracer: Tracer
  readonly #ring: Ring
  readonly #loaded: LoadedTracer
  readonly #close: () => Promise<void>
  readonly #buffer = Buffer.alloc(256 * 1024)

  constructor(
    ring: Ring,
    loaded: LoadedTracer,
    options: ExecOptions,
    selection: Selection,
    close: () => Promise<void>,
  ) {
    const clock = new KernelClock()
    this.#ring = ring
    this.#loaded = loaded
    this.#close = close
    this.table = new ProcessTable({
      selection,
      own: [process.pid],
      verdict: (pid, traced) => this.#verdict(pid, traced),
    })
    this.#tracer = exec.create(
      {
        processes: this.table,
        wall: (time: number) => clock.wall(time),
        wants: () => true,
        span: () => {},
        record: (process: Process, record: LogFields) =>
          void this.records.push({ process, record, attributes: record.attributes ?? {} }),
        tell: (news: ProcessNews) => void this.news.push(news),
        drop: (reason: string) => void this.dropped.push(reason),
        note: () => {},
      } as unknown as TracerContext,
      options,
    )
  }

  get rung(): string {
    return this.#loaded.rung
  }

  counters(): Promise<readonly number[]> {
    return this.#loaded.counters()
  }

  verdictOf(pid: number): number | undefined {
    return this.#verdicts.get(pid)
  }

  readonly #verdicts = new Map<number, number | undefined>()

  #verdict(pid: number, traced: boolean | undefined): void {
    this.#verdicts.set(pid, traced === undefined ? undefined : traced ? 2 : 1)
  }

  /** Reads what is there. */
  drain(): void {
    for (let bytes = this.#ring.drain(this.#buffer); bytes > 0; bytes = this.#ring.drain(this.#buffer))
      for (let at = 0; at + RECORD_BYTES + HEADER_BYTES <= bytes;) {
        const length = this.#buffer.readUInt32LE(at) & 0x3fff_ffff
        this.#tracer.event(this.#buffer, at + RECORD_BYTES, this.#buffer.readUInt32LE(at + RECORD_BYTES + 4))
        at += RECORD_BYTES + ((length + 7) & ~7)
      }
    this.table.sweep()
  }

  /** The first record that fits, within five seconds. */
  async find(name: string, fits: (emitted: Emitted) => boolean): Promise<Emitted> {
    const found = await this.until(() => this.records.find((each) => each.record.eventName === name && fits(each)))
    if (!found) throw new Error(`no ${name} of ${JSON.stringify(this.records.map(({ record }) => record.body))}`)
    return found
  }

  async until<T>(look: () => T | undefined): Promise<T | undefined> {
    for (let tries = 0; tries < 250; tries++) {
      this.drain()
      const found = look()
      if (found !== undefined) return found
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return undefined
  }

  async close(): Promise<void> {
    this.#ring.close()
    await this.#close()
  }
}

/** A sentence where it cannot be had here. */
export async function execInKernel(
  rung: string,
  options: Partial<ExecOptions> = {},
  selection = new Selection({ include: [], exclude: [] }),
): Promise<ExecInKernel | string> {
  const loaded = loadAddon()
  if (loaded.kind === 'unavailable') return loaded.reason
  const { addon, folder } = loaded
  const loader = inProcessLoader({ addon, folder, log: { info: () => {} } as never })
  try {
    const ring = await loader.ring(4 * 1024 * 1024)
    const all = { ...OPTIONS, ...options }
    const tracer = await loader.load({
      tracer: 'exec',
      rungs: exec.rungs.filter(({ name }) => name === rung),
      constants: exec.constants(all),
      mapSizes: exec.mapSizes(all),
    })
    return new ExecInKernel(new addon.Ring(ring.descriptor), tracer, all, selection, () => loader.close())
  } catch (error) {
    await loader.close()
    if (error instanceof Unavailable) return error.message
    throw error
  }
}
