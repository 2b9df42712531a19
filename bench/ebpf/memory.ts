import { readdirSync, readFileSync } from 'node:fs'
import { Kernel, TRACERS } from './kernel.ts'
import type { MemoryRow } from './results.ts'

/** The kernel's memory of each tracer by itself, and what the ring and the verdicts take once for all. */
export async function memoryBench(): Promise<MemoryRow[]> {
  const kernel = await Kernel.open()
  const rows: MemoryRow[] = []
  try {
    await kernel.on(['exec'])
    await kernel.off()
    const shared = kernelMemory()
    rows.push({ of: 'shared by all', maps: sum(shared.maps), programs: sum(shared.programs) })
    for (const name of TRACERS) {
      await kernel.on([name])
      const held = kernelMemory()
      rows.push({ of: name, maps: added(held.maps, shared.maps), programs: added(held.programs, shared.programs) })
      await kernel.off()
    }
  } finally {
    await kernel.close()
  }
  return rows
}

const sum = (held: ReadonlyMap<string, number>): number => [...held.values()].reduce((left, right) => left + right, 0)
const added = (held: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): number =>
  sum(new Map([...held].filter(([id]) => !before.has(id))))

/** Bytes of the kernel's memory that the maps and programs of this process hold: by the id of each. */
function kernelMemory(): { maps: Map<string, number>; programs: Map<string, number> } {
  const held = { maps: new Map<string, number>(), programs: new Map<string, number>() }
  for (const descriptor of readdirSync('/proc/self/fdinfo')) {
    const text = read(`/proc/self/fdinfo/${descriptor}`)
    const [, bytes] = /^memlock:\s*(\d+)/m.exec(text) ?? []
    const [, kind, id] = /^(map|prog)_id:\s*(\d+)/m.exec(text) ?? []
    if (bytes !== undefined && id !== undefined) (kind === 'map' ? held.maps : held.programs).set(id, Number(bytes))
  }
  return held
}

/** One that was closed meanwhile holds nothing. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
