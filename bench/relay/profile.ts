import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Program } from './programs.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const LEAST_SHARE = 0.005

interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { functionName: string; url: string } }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** Telegen from its sources, whose paths say what part a function belongs to, under V8's profiler. */
export function profiled(folder: string): Program {
  return {
    name: 'telegen profiled',
    command: [process.execPath, '--cpu-prof', '--cpu-prof-dir', folder, MAIN],
    environment: {},
  }
}

/** Of the time in which the main thread was not idle. */
export function printShares(folder: string): void {
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'))
  if (file === undefined) throw new Error('the profiler left nothing behind')
  const shares = layers(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile)
  console.log('\nshare of the main thread, start included:')
  for (const [layer, share] of shares)
    if (share >= LEAST_SHARE) console.log(`  ${(share * 100).toFixed(1).padStart(5)} %  ${layer}`)
}

function layers({ nodes, samples, timeDeltas }: Profile): [layer: string, share: number][] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, layer(callFrame)]))
  const times = new Map<string, number>()
  let busy = 0
  for (const [index, id] of samples.entries()) {
    const name = names.get(id)
    if (name === undefined) continue
    const took = timeDeltas[index] ?? 0
    busy += took
    times.set(name, (times.get(name) ?? 0) + took)
  }
  return [...times]
    .map(([name, took]): [string, number] => [name, took / busy])
    .toSorted((left, right) => right[1] - left[1])
}

/** The folder under `src/`, Node's own code, or a package; what has no file is native, such as writing to a socket. */
function layer({ functionName, url }: { functionName: string; url: string }): string | undefined {
  if (functionName === '(idle)') return undefined
  const own = /\/src\/(.+)\/[^/]+$/.exec(url)
  if (own !== null && !url.includes('node_modules')) return `src/${own[1]!.split('/').slice(0, 2).join('/')}`
  const installed = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)
  if (installed !== null) return installed[1]
  if (url.startsWith('node:')) return 'Node'
  return functionName === '(garbage collector)' ? 'garbage collector' : `native: ${functionName}`
}
