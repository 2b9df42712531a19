import type { Addon, Attachment, MapSpec, NativeError, ObjectSpec, ProbeResult, ProgramType } from '../../src/native.ts'

/** What a kernel can do, and what it refuses, for the ladder's decisions. */
export interface FakeKernel {
  /** What each object, by what its ELF says, has for programs. */
  readonly objects: Readonly<Record<string, readonly string[]>>
  readonly refusedTypes?: readonly ProgramType[]
  /** Programs refused at load. */
  readonly unloadable?: readonly string[]
  readonly unattachable?: readonly string[]
  readonly functions?: Readonly<Record<string, number>>
  readonly capabilities?: readonly string[]
}

export interface FakeAddon extends Addon {
  readonly loads: ObjectSpec[]
  readonly attached: Map<string, Attachment | undefined>
  readonly probed: ProgramType[]
  readonly made: MapSpec[]
  /** Descriptors and objects that are open. */
  readonly open: Set<number | string>
  readonly counters: BigUint64Array[]
}

const FIRST_DESCRIPTOR = 100
const PERCPU_ARRAY = 6

/** An addon whose kernel is a table: nothing of it reaches the real one. Its ELF files are the names of their objects. */
export function fakeAddon(kernel: FakeKernel): FakeAddon {
  const state = {
    loads: [] as ObjectSpec[],
    attached: new Map<string, Attachment | undefined>(),
    probed: [] as ProgramType[],
    made: [] as MapSpec[],
    open: new Set<number | string>(),
    counters: [BigUint64Array.of(1n, 2n), BigUint64Array.of(0n, 40n)],
  }
  const addon: Partial<FakeAddon> = {
    ...state,
    versions: { addon: '0.1.0', libbpf: '1.1' },
    load: async (spec) => {
      state.loads.push(spec)
      const name = Buffer.from(spec.elf).toString()
      const programs = (kernel.objects[name] ?? []).filter((program) => !spec.without?.includes(program))
      const refused = programs.find((program) => kernel.unloadable?.includes(program))
      if (refused) throw nativeError('load', 'EACCES', refused, 'R2 min value is negative')
      const own = `${name} #${state.loads.length}`
      state.open.add(own)
      return {
        map: (map) => (map === 'counters' ? 1 : 2),
        programNames: programs,
        attach: async (program, where) => {
          if (kernel.unattachable?.includes(program)) throw nativeError('attach', 'ENOENT', program)
          state.attached.set(program, where)
          return state.attached.size
        },
        detach: () => {},
        info: () => [],
        close: () => {
          state.open.delete(own)
          for (const program of programs) state.attached.delete(program)
        },
      }
    },
    createMap: (spec) => {
      state.made.push(spec)
      const descriptor = FIRST_DESCRIPTOR + state.made.length
      state.open.add(descriptor)
      return descriptor
    },
    closeDescriptor: (descriptor) => void state.open.delete(descriptor),
    maps: {
      possibleCpus: 2,
      info: () => ({ type: PERCPU_ARRAY, keySize: 4, valueSize: 8, maxEntries: 2, name: 'counters' }),
      lookup: (_, key, value) => {
        const counts = state.counters[key[0] as number] as BigUint64Array
        value.set(new Uint8Array(counts.buffer))
        return true
      },
      update: () => {},
      delete: () => true,
      read: () => 0,
    },
    probe: async (type): Promise<ProbeResult> => {
      state.probed.push(type)
      if (!kernel.refusedTypes?.includes(type)) return { type, ok: true }
      return { type, ok: false, step: 'load', code: 'EPERM', reason: 'operation not permitted' }
    },
    functionParameters: (name) => kernel.functions?.[name] ?? -1,
    privileges: {
      effective: () => kernel.capabilities ?? ['CAP_BPF', 'CAP_PERFMON'],
      keepOnly: () => {},
      noNewPrivileges: () => {},
    },
  }
  return addon as FakeAddon
}

function nativeError(step: string, code: string, subject: string, log?: string): NativeError {
  return Object.assign(new Error(`${step} ${subject}: ${code}`), { step, code, subject, errno: 0, ...(log && { log }) })
}
