/**
 * Does one Telegen carry what users are promised on half a core and in 256 MiB: 10,000 spans, 100,000 points and 50,000 log records a
 * second for ten minutes, gRPC in and out, through `resource_detection`, `attributes` and `batch`, with nothing lost?
 *
 *   --minutes=10        how long
 *   --beside            the OpenTelemetry Collector with the same afterwards
 *   --profile           a minute of the sources under the profiler afterwards: what share of the time each part takes
 *   --telegen=FILE      another program than dist/cli/main.js;  --cores=0,1 of the program, and of the load
 *   --write             puts the result into docs/performance.md
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { carry, type Carried } from './relay/carry.ts'
import { printCarried } from './relay/print.ts'
import { printShares, profiled } from './relay/profile.ts'
import { collectors, findCollector, telegen } from './relay/programs.ts'
import { keepFloor } from './relay/results.ts'

const PROFILE_MINUTES = 1

export default async function floor(options: readonly string[]): Promise<void> {
  const value = (name: string): string | undefined =>
    options.find((option) => option.startsWith(`--${name}=`))?.slice(name.length + 3)
  const minutes = Number(value('minutes') ?? 10)
  const [program = 0, load = 1] = (value('cores') ?? '0,1').split(',').map(Number)
  const folder = mkdtempSync(join(tmpdir(), 'telegen-floor-'))
  try {
    const carried: Carried[] = []
    for (const each of [telegen(value('telegen')), ...beside(options)]) {
      carried.push(await carry(each, { minutes, cores: [program, load], folder }))
      printCarried(carried.at(-1)!)
    }
    if (options.includes('--profile')) {
      await carry(profiled(folder), { minutes: PROFILE_MINUTES, cores: [program, load], folder })
      printShares(folder)
    }
    if (options.includes('--write')) keepFloor(carried)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function beside(options: readonly string[]): ReturnType<typeof collectors> {
  if (!options.includes('--beside')) return []
  const found = findCollector()
  if ('path' in found) return collectors(found.path).slice(1)
  throw new Error(found.missing)
}
