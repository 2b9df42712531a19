/**
 * What the addon (`native/`, C++ over libbpf) offers. TypeScript decides and names; C++ only does: nothing here knows a tracer.
 * Descriptors are numbers of this process, and belong to who was given them. What takes time (loading, attaching, probing) runs off the
 * event loop and returns a promise. Failures are `NativeError`s.
 */
export interface Addon {
  /** Of the addon and of the libbpf that it found: `{ addon: '0.1.0', libbpf: '1.1.2' }`. */
  readonly versions: { readonly addon: string; readonly libbpf: string }

  // Programs and maps

  /**
   * Opens an ELF object, sets constants, map sizes and which programs to load, and loads it. Nothing is attached yet. The file is trusted:
   * libbpf can be brought to crash by one that was forged. A section `uprobe.multi` or `uretprobe.multi` is for `uprobe_multi`.
   */
  load(spec: ObjectSpec): Promise<BpfObject>
  /** A map of its own, such as the ring that several objects share. Returns its descriptor. */
  createMap(spec: MapSpec): number
  readonly maps: MapAccess
  /** Loads and attaches a program of two instructions of this type, and takes it away again. Never rejects: the reason is the result. */
  probe(type: ProgramType): Promise<ProbeResult>
  /** How many parameters the kernel's function has, by the kernel's BTF, which is read anew (some 20 ms); -1 where it is not there. */
  functionParameters(name: string): number
  /** `bpf_stats_enabled` for as long as the descriptor returned is open (BPF_ENABLE_STATS): programs count their runs and run time. */
  enableStats(): number
  /** All programs and links of the system that this process may list, for finding what a killed loader left. */
  programs(): readonly ProgramInfo[]
  links(): readonly LinkInfo[]
  /** Forces a link off by its id (BPF_LINK_DETACH). Throws ENOENT where it is gone. */
  detachLink(id: number): void
  closeDescriptor(descriptor: number): void
  /** Enables statistics after this process has given up CAP_SYS_ADMIN, which they need: a forked process keeps it for that alone. */
  readonly statisticsKeeper: {
    /** While CAP_SYS_ADMIN is still held. Returns a descriptor, with whose closing that process ends. */
    start(): number
    keep(keeper: number, enabled: boolean): void
  }

  // Rings

  /** Reads a ring buffer map through its descriptor alone: also without any privilege, when it was passed by who has them. */
  readonly Ring: new (descriptor: number) => Ring

  // Sockets that pass descriptors

  readonly MessageSocket: {
    /** Listens at a path (removed first where nobody answers there), permissions `mode`. */
    listen(path: string, mode: number, onConnection: (socket: MessageSocket) => void): MessageListener
    connect(path: string): MessageSocket
  }

  // Privileges, of all threads of the process

  readonly privileges: {
    /** Names of the capabilities that the calling thread has in effect: `['CAP_BPF', …]`. */
    effective(): readonly string[]
    /** Gives up all capabilities but these, in every thread (effective, permitted, inheritable, ambient and, where it may, bounding). */
    keepOnly(names: readonly string[]): void
    /** PR_SET_NO_NEW_PRIVS in every thread. */
    noNewPrivileges(): void
  }

  // ELF and symbols

  readonly elf: {
    /** Offset in the file of a function by name (.symtab, .dynsym); -1 where it has none. `name` may be a list: an answer for each. */
    symbolOffsets(path: string, names: readonly string[]): readonly number[]
    /** Every return instruction of the function, as offsets in the file: where a probe of Go's returns goes (x86-64). */
    returnOffsets(path: string, name: string): readonly number[]
    /** `.note.gnu.build-id` as hexadecimal, or empty. */
    buildId(path: string): string
    /** Function names for addresses within the file (virtual addresses of the ELF): '' where none covers one. */
    symbolsAt(path: string, addresses: BigUint64Array): readonly string[]
  }

  /** Files as another process sees them; it, its files and who names them may all be hostile. */
  readonly processFiles: {
    /**
     * Opens a regular file by its path within the root of a process, following links as that process would and never out of its root.
     * `process` is a descriptor of its folder in /proc. Resolves to a descriptor.
     */
    openInRoot(process: number, path: string): Promise<number>
    /**
     * Where probes go: the beginning of each function that is named, then each offset, which must be the beginning of an instruction within a
     * function that has a symbol. Rejects where one is not, or is not in code that is loaded. `path` is for messages.
     */
    probeOffsets(
      descriptor: number,
      path: string,
      names: readonly string[],
      offsets: readonly number[],
    ): Promise<readonly number[]>
  }

  /** Numbers of system calls of this architecture by name: `{ read: 0, write: 1, … }`; what it does not have is missing. */
  readonly systemCalls: Readonly<Record<string, number>>
}

export interface NativeError extends Error {
  /** `EPERM`. */
  readonly code: string
  readonly errno: number
  /** What was being done: `open`, `load`, `attach`, `create map`, … */
  readonly step: string
  /** The program or map it was done to. */
  readonly subject?: string
  /** The end of the verifier's log (4 KiB at most), where it wrote one. */
  readonly log?: string
}

export const PROGRAM_TYPES = [
  'fentry',
  'kprobe',
  'kprobe_multi',
  'tp_btf',
  'tracepoint',
  'raw_tracepoint',
  'uprobe',
  'uprobe_multi',
  'perf_event',
  'xdp',
  'tc',
  'cgroup_skb',
  'cgroup_sock_addr',
  'sock_ops',
  'iter',
  'lsm',
  'ringbuf',
] as const
/** Kinds of hook; `ringbuf` is the map type, which everything here needs. */
export type ProgramType = (typeof PROGRAM_TYPES)[number]

export type ProbeResult =
  | { readonly type: ProgramType; readonly ok: true }
  | {
      readonly type: ProgramType
      readonly ok: false
      readonly step: string
      readonly code: string
      readonly reason: string
    }

export interface ObjectSpec {
  /** For messages, and the prefix of names in the kernel. */
  readonly name: string
  /** The ELF file's bytes. */
  readonly elf: Uint8Array
  /** `const volatile` variables by name: bytes as they stand in memory, no longer than the variable. An unknown name is an error. */
  readonly constants?: Readonly<Record<string, Uint8Array>>
  /** `max_entries` by map; a ring's is rounded up to a power of two of pages. An unknown name is an error. */
  readonly mapSizes?: Readonly<Record<string, number>>
  /** Maps to use instead of making them: descriptors by name. Names that the object lacks are passed over. */
  readonly sharedMaps?: Readonly<Record<string, number>>
  /** Programs to leave out. An unknown name is an error. */
  readonly without?: readonly string[]
}

export interface BpfObject {
  /** Descriptor of a map, owned by the object; throws where it has none of that name. */
  map(name: string): number
  readonly programNames: readonly string[]
  /** Attaches a program; resolves to a handle for `detach`. Without `where`, as its section says. */
  attach(program: string, where?: Attachment): Promise<number>
  /** What hangs on perf (classic tracepoints, kprobes, uprobes, perf events) is off only a while later: the kernel needs 50-90 ms for each. */
  detach(handle: number): void
  /** Ids and counts of the loaded programs, ids of links where the kernel has them. */
  info(): readonly ProgramInfo[]
  /** Detaches everything (see `detach`) and lets go of programs and maps. Twice is no error. Waits for an attachment that is on its way. */
  close(): void
}

/** `pid` -1 is all processes, 0 this one; `cpu` -1 all CPUs of one process. */
export type Attachment =
  | { readonly kind: 'cgroup'; readonly path: string }
  | {
      readonly kind: 'uprobe'
      readonly path: string
      readonly offset: number
      readonly pid: number
      readonly returns: boolean
    }
  | {
      readonly kind: 'uprobe_multi'
      readonly path: string
      readonly offsets: readonly number[]
      readonly pid: number
      readonly returns: boolean
    }
  | { readonly kind: 'perf_event'; readonly frequency: number; readonly cpu: number; readonly pid: number }
  | { readonly kind: 'xdp'; readonly interface: number; readonly mode: 'native' | 'generic' }
  | { readonly kind: 'tc'; readonly interface: number; readonly direction: 'ingress' | 'egress' }

export interface ProgramInfo {
  readonly id: number
  readonly name: string
  readonly type: string
  /** Nanoseconds and runs, where statistics are enabled. */
  readonly runTime: number
  readonly runs: number
}

export interface LinkInfo {
  readonly id: number
  readonly type: string
  readonly programId: number
}

export interface MapSpec {
  readonly type: 'ringbuf' | 'hash' | 'lru_hash' | 'array' | 'percpu_array'
  readonly name: string
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags?: number
}

/** Keys and values are bytes as they stand in memory, exactly as long as the map says (see `update` for per-CPU maps). */
export interface MapAccess {
  lookup(descriptor: number, key: Uint8Array, value: Uint8Array): boolean
  /** Of a per-CPU map: `value` holds the value of each possible CPU, one after the other, each rounded up to 8 bytes. */
  update(descriptor: number, key: Uint8Array, value: Uint8Array): void
  delete(descriptor: number, key: Uint8Array): boolean
  /** As many entries as fit, in batches where the kernel has them; returns their number. With `remove`, they are taken out. */
  read(descriptor: number, keys: Uint8Array, values: Uint8Array, remove: boolean): number
  info(descriptor: number): {
    readonly type: number
    readonly keySize: number
    readonly valueSize: number
    readonly maxEntries: number
    readonly name: string
  }
  readonly possibleCpus: number
}

export interface Ring {
  /**
   * Copies committed records from the ring into `target`, as many as fit whole, and frees them. Returns the bytes copied. Each record: u32
   * length of what follows (flags cleared; 0x40000000 set where it was discarded), u32 unused, the bytes, padding up to 8.
   * `target` must hold the largest record (EMSGSIZE where it does not): 64 KiB is enough for all of ours.
   */
  drain(target: Uint8Array): number
  /** Bytes that wait. */
  readonly pending: number
  readonly size: number
  /** `listener` is called when the kernel says that there is something (the programs do so when much waits). Keeps the event loop alive. */
  wake(listener: () => void): void
  close(): void
}

/** One end of a SOCK_SEQPACKET unix socket: messages keep their bounds and order, and carry descriptors. */
export interface MessageSocket {
  /**
   * Throws where the other side is gone (EPIPE), the message is larger than 256 KiB (EMSGSIZE), or the other side does not read (ENOBUFS): never
   * waits, but keeps up to 8 MiB that the other side has not read yet, with descriptors of its own.
   */
  send(message: Uint8Array, descriptors?: readonly number[]): void
  /**
   * Descriptors received belong to the listener. With `takesDescriptors` false none come into this process: whoever sends one ends the
   * connection.
   */
  onMessage(listener: (message: Buffer, descriptors: readonly number[]) => void, takesDescriptors?: boolean): void
  /** Once, when the other side has gone; with a reason where it sent what cannot be taken whole, which ends the connection. After `onMessage`. */
  onClose(listener: (reason?: Error) => void): void
  /** Who is on the other side, by the kernel (SO_PEERCRED). */
  readonly peer: { readonly pid: number; readonly uid: number; readonly gid: number }
  close(): void
}

export interface MessageListener {
  close(): void
}
