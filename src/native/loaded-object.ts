import type { Addon, BpfObject } from './addon.ts'
import { attachProbe } from './attach-probe.ts'
import type { Admits } from './attach-probe.ts'
import { AGENT_MAPS, PROBE_PLACES_MAX } from './loader.ts'
import type { LoadedTracer, MapEntries, ProbePlace } from './loader.ts'
import type { Stand } from './ladder.ts'

/** Of one read; a map's own size is the other bound. */
const READ_ENTRIES_MAX = 1 << 20
const READ_BYTES_MAX = 64 * 1024 * 1024
const COUNTERS = 'counters'
/** Many more than a tracer has, should somebody ask for a larger map. */
const COUNTERS_MAX = 256
/** BPF_MAP_TYPE_PERCPU_HASH, _PERCPU_ARRAY, _LRU_PERCPU_HASH (linux/bpf.h): an entry has a value for each CPU. */
const PER_CPU: ReadonlySet<number> = new Set([5, 6, 10])

/** What a tracer's maps and programs are to the agent, once they are in the kernel. */
export function loadedObject(addon: Addon, stand: Stand, admits: Admits, closed: () => void): LoadedTracer {
  const { rung, object, passedOver, probes } = stand
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
    attach: async (program, place) => {
      if (!probes.includes(program)) throw new Error(`the program ${program} is not one that may be attached later`)
      checkPlaces(place)
      return attachProbe(addon, object, program, place, admits)
    },
    detach: async (handle) => object.detach(handle),
    close: async () => {
      object.close()
      closed()
    },
  }
}

function checkPlaces({ symbols = [], offsets = [] }: ProbePlace): void {
  const places = symbols.length + offsets.length
  if (places > PROBE_PLACES_MAX) throw new Error(`a probe of ${places} places: ${PROBE_PLACES_MAX} are the most`)
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
  return Array.from({ length: Math.min(maxEntries, COUNTERS_MAX) }, (_, counter) => {
    key[0] = counter
    maps.lookup(descriptor, bytesOf(key), bytesOf(value))
    return Number(value.reduce((sum, one) => sum + one, 0n))
  })
}

function entries({ maps }: Addon, descriptor: number, limit: number, remove: boolean): MapEntries {
  const { type, keySize, valueSize, maxEntries } = maps.info(descriptor)
  const size = PER_CPU.has(type) ? Math.ceil(valueSize / 8) * 8 * maps.possibleCpus : valueSize
  const room = Math.max(1, Math.floor(READ_BYTES_MAX / Math.max(1, keySize + size)))
  const count = Math.min(limit, maxEntries, READ_ENTRIES_MAX, room)
  const keys = Buffer.alloc(count * keySize)
  const values = Buffer.alloc(count * size)
  const read = maps.read(descriptor, keys, values, remove)
  return { count: read, keys: keys.subarray(0, read * keySize), values: values.subarray(0, read * size) }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: NodeJS.TypedArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)
