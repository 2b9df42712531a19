import type { Addon, BpfObject } from './addon.ts'
import { AGENT_MAPS } from './loader.ts'
import type { LoadedTracer, MapEntries } from './loader.ts'
import type { Stand } from './ladder.ts'

/** Of one read; a map's own size is the other bound. */
const READ_ENTRIES_MAX = 1 << 20
const COUNTERS = 'counters'
/** BPF_MAP_TYPE_PERCPU_HASH, _PERCPU_ARRAY, _LRU_PERCPU_HASH (linux/bpf.h): an entry has a value for each CPU. */
const PER_CPU: ReadonlySet<number> = new Set([5, 6, 10])

/** What a tracer's maps and programs are to the agent, once they are in the kernel. */
export function loadedObject(addon: Addon, { rung, object, passedOver }: Stand, closed: () => void): LoadedTracer {
  const { maps } = addon
  return {
    rung,
    passedOver,
    counters: async () => sums(addon, object),
    programs: async () => object.info(),
    update: async (map, key, value) => maps.update(writable(object, map), key, value),
    delete: async (map, key) => {
      maps.delete(writable(object, map), key)
    },
    read: async (map, limit, remove) => entries(addon, object.map(map), limit, remove),
    close: async () => {
      object.close()
      closed()
    },
  }
}

function writable(object: BpfObject, map: string): number {
  if (!AGENT_MAPS.includes(map)) throw new Error(`the map ${map} is not one that may be written to`)
  return object.map(map)
}

function sums({ maps }: Addon, object: BpfObject): number[] {
  const descriptor = object.map(COUNTERS)
  const { maxEntries } = maps.info(descriptor)
  const key = new Uint32Array(1)
  const value = new BigUint64Array(maps.possibleCpus)
  return Array.from({ length: maxEntries }, (_, counter) => {
    key[0] = counter
    maps.lookup(descriptor, bytesOf(key), bytesOf(value))
    return Number(value.reduce((sum, one) => sum + one, 0n))
  })
}

function entries({ maps }: Addon, descriptor: number, limit: number, remove: boolean): MapEntries {
  const { type, keySize, valueSize, maxEntries } = maps.info(descriptor)
  const count = Math.min(limit, maxEntries, READ_ENTRIES_MAX)
  const size = PER_CPU.has(type) ? Math.ceil(valueSize / 8) * 8 * maps.possibleCpus : valueSize
  const keys = Buffer.alloc(count * keySize)
  const values = Buffer.alloc(count * size)
  const read = maps.read(descriptor, keys, values, remove)
  return { count: read, keys: keys.subarray(0, read * keySize), values: values.subarray(0, read * size) }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: NodeJS.TypedArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)
