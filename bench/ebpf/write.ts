import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { page } from './page.ts'
import type { Results } from './results.ts'

const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url))

export function keep(results: Results): void {
  writeFileSync(`${DOCS}overhead.json`, `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(`${DOCS}overhead.md`, page(results))
}

/** What stands there. */
export const kept = (): Results => JSON.parse(readFileSync(`${DOCS}overhead.json`, 'utf8')) as Results

export function machine(): string {
  const [first] = cpus()
  const virtual = readFileSync('/proc/cpuinfo', 'latin1').includes(' hypervisor') ? ', virtual' : ''
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GiB`
  return `${cpus().length} cores of ${first?.model.trim()}${virtual}, ${memory}, Linux ${release()}, Node ${process.version}`
}
