/** What the kernel says of a process and all that descend from it. */
import { readdirSync, readFileSync } from 'node:fs'

/** `/proc/PID/stat` counts in hundredths of a second. */
const TICK_MS = 10
const KIB = 1024

/** Processor time of all threads, those that have ended and children that were waited for included. */
export function cpuMs(pid: number): number {
  return family(pid).reduce((sum, each) => {
    const stat = readFileSync(`/proc/${each}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return sum + fields.slice(11, 15).reduce((ticks, field) => ticks + Number(field), 0) * TICK_MS
  }, 0)
}

/** Bytes in memory: the most there ever were, and now. */
export function memory(pid: number): { peak: number; now: number } {
  let [peak, now] = [0, 0]
  for (const each of family(pid)) {
    const status = readFileSync(`/proc/${each}/status`, 'latin1')
    peak += KIB * Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1] ?? 0)
    now += KIB * Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0)
  }
  return { peak, now }
}

function family(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children.flatMap(family)]
}
