/** Results are kept beside the page that is made of them, so that a part can be measured anew without the rest. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Carried } from './carry.ts'
import type { Contest, Effort } from './contest.ts'
import type { LatencyContest } from './latency.ts'
import { page } from './page.ts'
import { findCollector } from './programs.ts'
import { floorRow, latencyRow, relayRow, type Results } from './rows.ts'

const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url))
const DATA = `${DOCS}performance.json`
const PAGE = `${DOCS}performance.md`

export function keepContest(contest: Contest, effort: Effort): void {
  const results = read()
  const row = relayRow(contest, effort, today())
  const others = results.relay.filter(({ name }) => name !== row.name)
  write({ ...results, relay: [...others, row] })
}

export function keepLatency(contest: LatencyContest, effort: Effort): void {
  write({ ...read(), latency: latencyRow(contest, effort, today()) })
}

export function keepFloor(carried: readonly Carried[]): void {
  write({ ...read(), floor: carried.map((each) => floorRow(each, today())) })
}

/** What another machine or version did does not stand beside what this one does. */
function read(): Results {
  const empty: Results = { machine: machine(), relay: [], floor: [] }
  if (!existsSync(DATA)) return empty
  const kept = JSON.parse(readFileSync(DATA, 'utf8')) as Results
  return kept.machine === empty.machine ? kept : empty
}

function write(results: Results): void {
  writeFileSync(DATA, `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(PAGE, page(results))
}

const today = (): string => new Date().toISOString().slice(0, 10)

function machine(): string {
  const [first] = cpus()
  return [
    `${cpus().length} cores of ${first?.model.trim()}`,
    `${Math.round(totalmem() / 1024 ** 3)} GiB`,
    `Linux ${release()}`,
    `Node ${process.version}`,
    collector(),
  ].join(', ')
}

function collector(): string {
  const found = findCollector()
  if ('missing' in found) return 'no Collector'
  const version = execFileSync(found.path, ['--version'], { encoding: 'utf8' }).trim()
  const built = execFileSync('go', ['version', found.path], { encoding: 'utf8' }).trim()
  return `${version} built with ${built.slice(built.lastIndexOf(' ') + 1)}`
}
