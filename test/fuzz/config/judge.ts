/** A thread that judges configurations the way of `telegen validate`, and says which promise was broken over one. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parentPort } from 'node:worker_threads'
import { builtInCatalog } from '../../../src/builtin.ts'
import { dryRun } from '../../../src/service/dry-run.ts'
import { check } from '../../../src/config/check.ts'
import type { Fault } from '../../../src/config/fault.ts'
import { load } from '../../../src/config/load.ts'
import type { Loaded } from '../../../src/config/load.ts'
import { report, reportJson } from '../../../src/config/report.ts'
import type { ConfigInput } from './input.ts'
import type { Verdict } from './target.ts'

const MEMORY = { bytes: 8 * 2 ** 30, of: 'machine' } as const
/** What no user should ever see. */
const UGLY = ['[object Object]', '\n    at ', 'file://', 'Cannot read properties', 'is not a function']

setFlagsFromString('--expose-gc')
/** A flag that is set now is known only where a context is made later. */
const collectGarbage = runInNewContext('gc') as () => void

parentPort?.on('message', async (question: ConfigInput | 'memory') =>
  say(question === 'memory' ? memory() : await verdict(question)),
)
say('ready')

function say(what: Verdict | 'ready'): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window.
  parentPort?.postMessage(what)
}

function memory(): Verdict {
  collectGarbage()
  return { kind: 'memory', heap: process.memoryUsage().heapUsed }
}

async function verdict(input: ConfigInput): Promise<Verdict> {
  try {
    return await judged(input)
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    const place = /at .*\/((?:src|test|node_modules)\/[^)]*)/.exec(error.stack ?? '')?.[1] ?? ''
    return { kind: 'broken', promise: `threw ${error.name} ${place}`, message: error.stack ?? error.message }
  }
}

async function judged({ text, sets, environment, directory }: ConfigInput): Promise<Verdict> {
  const loaded = load({ configs: [`yaml:${text}`], sets, environment, directory })
  const checked = await check(loaded, builtInCatalog(), { memory: MEMORY })
  const { configuration } = checked
  if ((configuration === undefined) !== checked.faults.length > 0)
    return broken('faults', 'a configuration with faults, or none without')
  const faults = configuration === undefined ? checked.faults : dryRun(configuration, loaded)
  for (const fault of [...faults, ...checked.warnings]) {
    const wrong = misplaced(fault, loaded)
    if (wrong !== undefined) return broken(`${wrong} ${fault.code}`, JSON.stringify(fault))
  }
  const shown = report([...faults, ...checked.warnings], loaded)
  for (const ugly of UGLY)
    if (shown.includes(ugly) && !text.includes(ugly)) return broken(`says ${JSON.stringify(ugly)}`, shown)
  JSON.parse(reportJson([...faults, ...checked.warnings]))
  return { kind: faults.length > 0 ? 'faulty' : 'sound', faults: faults.length }
}

const broken = (promise: string, message: string): Verdict => ({ kind: 'broken', promise, message })

/** What is wrong with where a fault is said to be. */
function misplaced({ message, place, code }: Fault, { texts }: Loaded): string | undefined {
  if (message === '' || code === '') return 'no message'
  if (place.source === '') return 'no source'
  if (!Number.isInteger(place.line) || !Number.isInteger(place.column) || place.line < 0 || place.column < 0)
    return 'no place'
  const text = texts.get(place.source)
  if (text === undefined || place.line === 0) return undefined
  const lines = text.split(/\r\n|\n|\r/)
  if (place.line > lines.length) return 'a line beyond the end'
  return undefined
}
