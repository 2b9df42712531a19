import type { Capabilities } from './capabilities.ts'
import type { Attachment, ProgramInfo, ProgramType, Ring } from './addon.ts'

/**
 * Puts tracers into the kernel. There are two: one that does it in this process (`in-process.ts`), and one that asks `telegen bpf-loader` to
 * (`separated/`), which has the privileges so that this process needs none.
 */
export interface KernelLoader {
  /** What this kernel, with these privileges, can do: found by trying. */
  capabilities(): Promise<Capabilities>
  /**
   * The ring that all tracers write to, readable here. Made on the first call, of at least `bytes`; the same afterwards.
   * Rejects with `Unavailable`.
   */
  ring(bytes: number): Promise<RingSource>
  /**
   * Loads and attaches the first rung of the ladder that works. Rejects with `Unavailable` where none does, which says of each why.
   * Afterwards nothing of the rungs that did not work is left in the kernel.
   */
  load(request: TracerRequest): Promise<LoadedTracer>
  /**
   * Has the kernel count runs and run time of all programs of the machine until this is closed, or lost. Rejects with `Unavailable` where it may
   * not be asked to. Called again, it does nothing.
   */
  enableStatistics(): Promise<void>
  /** Called when what was loaded is gone with the loader's process: all has to be loaded anew, as soon as it answers again. Never in process. */
  onLost(listener: (reason: Error) => void): void
  /** Detaches everything. */
  close(): Promise<void>
}

/** The part of a component's log that a loader writes to. */
export interface LoaderLog {
  info(fields: object, message: string): void
  debug(fields: object, message: string): void
}

/** A descriptor of the ring's map in this process; `new addon.Ring(descriptor)` reads it, also in a worker thread. */
export interface RingSource {
  readonly descriptor: number
  readonly bytes: number
}

export interface TracerRequest {
  /** `http`. For messages and metrics. */
  readonly tracer: string
  /** Best first. */
  readonly rungs: readonly Rung[]
  /** `const volatile` variables by name: plain data, little-endian, as they stand in memory. */
  readonly constants: Readonly<Record<string, Uint8Array>>
  /** `max_entries` by map. */
  readonly mapSizes: Readonly<Record<string, number>>
}

/** One way for a tracer to see what it sees: an object whose programs all attach, or it is not this way. The events are the same from each. */
export interface Rung {
  /** `fentry`, `kprobe`, `tp_btf`, `tracepoint`, …: what the user is told. */
  readonly name: string
  /** Types that must work here, by probe, for it to be worth a try. */
  readonly needs: readonly ProgramType[]
  /** `socket/tp_btf`: the object's file below `bpf/`, without its ending. */
  readonly object: string
  /** Where programs go that do not say so by their section: `cgroup` means the root of the cgroup2 hierarchy, wherever it is mounted. */
  readonly attach?: Readonly<Record<string, Attachment | { readonly kind: 'root cgroup' }>>
  /** Constants that depend on the kernel: `u8` variables set to the number of parameters of a kernel function. */
  readonly parameters?: Readonly<Record<string, string>>
  /** Programs that may fail to attach without the rung being given up; what is lost without each, in words for the user. */
  readonly optional?: Readonly<Record<string, string>>
  /** Programs of uprobes that are loaded and attached to nothing, until `LoadedTracer.attach` says where. */
  readonly probes?: readonly string[]
}

/**
 * Where a probe goes while a tracer runs: to functions of one file of one process. Other processes that have the file do not run the program. Of
 * `symbols` and `offsets` one is named at least; a `uprobe` goes to one place, a `uprobe_multi` to `PROBE_PLACES_MAX` at most.
 */
export interface ProbePlace {
  readonly kind: 'uprobe' | 'uprobe_multi'
  /** As the loader's /proc counts. */
  readonly pid: number
  /** Of an executable or a library, as the process itself sees it: `/usr/lib/libssl.so.3`. Links lead where they would lead the process. */
  readonly path: string
  /** Names of functions, which are looked up in the file (.symtab, .dynsym): all of them have to be there. */
  readonly symbols?: readonly string[]
  /** In the file, of beginnings of instructions, within functions that have a symbol. */
  readonly offsets?: readonly number[]
  /** Whether the program runs when the function returns, in place of when it is called. */
  readonly returns: boolean
}

export const PROBE_PLACES_MAX = 256

export interface LoadedTracer {
  readonly rung: string
  /** Why the better rungs are not used, and what of this one is missing. */
  readonly passedOver: readonly PassedOver[]
  /** The map `counters`, summed over the CPUs: `COUNTER_…` of `bpf/include/event.h`. */
  counters(): Promise<readonly number[]>
  /** What the programs cost, where statistics are enabled. */
  programs(): Promise<readonly ProgramInfo[]>
  /** Writes into a map that the agent may write: those named in `AGENT_MAPS` alone. */
  update(map: string, key: Uint8Array, value: Uint8Array): Promise<void>
  delete(map: string, key: Uint8Array): Promise<void>
  /** All entries of a map, `limit` at most. With `remove` they are taken out as they are read. */
  read(map: string, limit: number, remove: boolean): Promise<MapEntries>
  /**
   * Attaches one of the rung's `probes`; resolves to a handle for `detach`. Rejects with `Unavailable` where the process has ended, is not one that
   * may be probed, or has no such file or function.
   */
  attach(program: string, place: ProbePlace): Promise<number>
  /** Once for each handle. What has been called may come for a moment longer. */
  detach(handle: number): Promise<void>
  close(): Promise<void>
}

export interface PassedOver {
  readonly rung: string
  /** `attaching the kprobe tcp_sendmsg failed: ENOENT`. */
  readonly reason: string
}

export interface MapEntries {
  readonly count: number
  readonly keys: Buffer
  readonly values: Buffer
}

/** Maps that all objects have in common, and that are made once: by name. */
export const SHARED_MAPS = ['events', 'verdicts'] as const
/** Maps that an agent without privileges may have written to. */
export const AGENT_MAPS: readonly string[] = ['verdicts']

/** Something cannot be done here, and why: a sentence for the user. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
  readonly passedOver: readonly PassedOver[]

  constructor(message: string, passedOver: readonly PassedOver[] = []) {
    super(message)
    this.passedOver = passedOver
  }
}

export type { Capabilities, Ring }
