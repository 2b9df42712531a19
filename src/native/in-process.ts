import type { Addon, ProgramType } from './addon.ts'
import { climb } from './ladder.ts'
import type { Ground } from './ladder.ts'
import type { Admits } from './attach-probe.ts'
import { loadedObject } from './loaded-object.ts'
import { Unavailable } from './loader.ts'
import type { KernelLoader, LoadedTracer, LoaderLog, RingSource, TracerRequest } from './loader.ts'
import { mountTracefs, mounts } from './mounts.ts'
import { forgetProbe, hasBtf, probeAll } from './probes.ts'
import { reasonOf } from './reasons.ts'
import { SharedMaps } from './shared-maps.ts'

export interface InProcessOptions {
  readonly addon: Addon
  /** Of the native part: has `bpf/`. */
  readonly folder: string
  readonly log: LoaderLog
  /** Never traced, by the programs themselves (`own_pids`): two at most. Default: this process. */
  readonly ownPids?: readonly number[]
  /** Has the kernel count runs and run time of all programs for as long as something is loaded; costs some tens of nanoseconds a run. */
  readonly statistics?: boolean
  /** Whether tracefs may be mounted where it is not and a rung needs it. Default: where this process is root. */
  readonly mountsTracefs?: boolean
  /** Which processes may be probed. Default: all. Those of `ownPids` never are. */
  readonly admits?: Admits
  /** Counts run time for this process where it may not itself. Default: it may. */
  readonly statisticsKeeper?: StatisticsKeeper
}

/** Has the kernel count for as long as somebody wants it. */
export interface StatisticsKeeper {
  /** Returns what ends it. */
  enable(): () => void
}

/** Loads and attaches in this process, with the privileges that it has. */
export function inProcessLoader(options: InProcessOptions): KernelLoader {
  return new InProcessLoader(options)
}

class InProcessLoader implements KernelLoader {
  readonly #options: InProcessOptions
  readonly #shared: SharedMaps
  readonly #loaded = new Set<LoadedTracer>()
  /** Loads under way: closing waits for them. */
  readonly #loading = new Set<Promise<unknown>>()
  /** Ends the statistics. */
  #statistics: (() => void) | undefined
  #tracefs: Promise<void> | undefined
  #closed = false

  constructor(options: InProcessOptions) {
    this.#options = options
    this.#shared = new SharedMaps(options.addon)
  }

  capabilities() {
    return probeAll(this.#options.addon)
  }

  async ring(bytes: number): Promise<RingSource> {
    this.#check()
    return this.#shared.ring(bytes)
  }

  async load(request: TracerRequest): Promise<LoadedTracer> {
    this.#check()
    const loading = this.#load(request)
    const settled = loading.catch(() => {})
    this.#loading.add(settled)
    try {
      return await loading
    } finally {
      this.#loading.delete(settled)
    }
  }

  async enableStatistics(): Promise<void> {
    this.#check()
    const { addon, statisticsKeeper = keptHere(addon) } = this.#options
    try {
      this.#statistics ??= statisticsKeeper.enable()
    } catch (thrown) {
      throw new Unavailable(`the run time of programs cannot be counted: ${reasonOf(thrown)}`)
    }
  }

  onLost(): void {}

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#loading)
    for (const tracer of this.#loaded) await tracer.close()
    this.#shared.close()
    this.#statistics?.()
    this.#statistics = undefined
  }

  async #load(request: TracerRequest): Promise<LoadedTracer> {
    const { addon, statistics } = this.#options
    const stand = await climb(withOwnPids(request, this.#options.ownPids), this.#ground())
    if (this.#closed) {
      stand.object.close()
      throw new Unavailable('the loader was closed')
    }
    const tracer = loadedObject(addon, stand, this.#admits, () => this.#loaded.delete(tracer))
    this.#loaded.add(tracer)
    if (statistics) await this.#tryStatistics()
    return tracer
  }

  /** A tracer without them is better than none. */
  async #tryStatistics(): Promise<void> {
    try {
      await this.enableStatistics()
    } catch (thrown) {
      if (!(thrown instanceof Unavailable)) throw thrown
      this.#options.log.info({}, thrown.message)
    }
  }

  readonly #admits: Admits = (asked) => {
    const { ownPids = [process.pid], admits } = this.#options
    return !ownPids.includes(asked.pid) && (admits?.(asked) ?? true)
  }

  #ground(): Ground {
    const { addon, folder, log } = this.#options
    return {
      addon,
      folder,
      log,
      sharedMaps: this.#shared.descriptors(),
      cgroup2: mounts().cgroup2,
      prepare: (type) => this.#prepare(type),
    }
  }

  async #prepare(type: ProgramType): Promise<void> {
    if (type === 'tracepoint' && mounts().tracefs === undefined) await (this.#tracefs ??= this.#mountTracefs())
  }

  async #mountTracefs(): Promise<void> {
    const { addon, log, mountsTracefs = process.geteuid?.() === 0 } = this.#options
    if (!mountsTracefs) return
    try {
      const path = await mountTracefs()
      forgetProbe(addon, 'tracepoint')
      log.info({ path }, 'tracefs was mounted nowhere, and tracepoints need it: mounted')
    } catch (thrown) {
      log.info({ error: reasonOf(thrown) }, 'tracefs is mounted nowhere, and could not be')
    }
  }

  /** What is in the way of all rungs is said once, in place of all their errors. */
  #check(): void {
    if (this.#closed) throw new Unavailable('the loader was closed')
    const lacking = whyNothingLoads(this.#options.addon)
    if (lacking !== undefined) throw new Unavailable(lacking)
  }
}

/** Why no program of ours can be loaded here by this process, whatever its type; undefined where one may. */
export function whyNothingLoads({ privileges }: Addon): string | undefined {
  const held = privileges.effective()
  const enough = held.includes('CAP_SYS_ADMIN') || (held.includes('CAP_BPF') && held.includes('CAP_PERFMON'))
  if (!enough) return 'loading programs into the kernel needs root or CAP_BPF + CAP_PERFMON'
  if (!hasBtf())
    return 'this kernel does not describe its types: /sys/kernel/btf/vmlinux is missing (CONFIG_DEBUG_INFO_BTF)'
  return undefined
}

const keptHere = (addon: Addon): StatisticsKeeper => ({
  enable() {
    const descriptor = addon.enableStats()
    return () => addon.closeDescriptor(descriptor)
  },
})

function withOwnPids(request: TracerRequest, pids: readonly number[] = [process.pid]): TracerRequest {
  const own = Uint32Array.of(pids[0] ?? 0, pids[1] ?? 0)
  return { ...request, constants: { ...request.constants, own_pids: new Uint8Array(own.buffer) } }
}
