import type { Count } from '../count.ts'
import { Fields } from '../fields.ts'

/** The kernel names some 60 values in /proc/meminfo and 200 in /proc/vmstat. */
const MAX_NAMES = 2000

/** Reads a file of one named number a line: /proc/vmstat (`pgfault 12`) and, with its colons and units, /proc/meminfo (`MemFree: 12 kB`). */
export function parseNamedValues(buffer: Buffer): ReadonlyMap<string, Count> {
  const values = new Map<string, Count>()
  const fields = new Fields(buffer)
  while (fields.nextLine() && values.size < MAX_NAMES) {
    const word = fields.word()
    const value = fields.integer()
    if (word !== undefined && value !== undefined) values.set(word.endsWith(':') ? word.slice(0, -1) : word, value)
  }
  return values
}
