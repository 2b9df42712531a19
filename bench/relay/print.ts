import type { Carried } from './carry.ts'
import type { Contest, Score } from './contest.ts'
import type { LatencyContest } from './latency.ts'
import { nameOf, promised, SIGNALS } from './scenario.ts'
import {
  coreShare,
  itemsPerCpuSecond,
  memoryRatio,
  peak,
  peer,
  type Ratio,
  ratio,
  requestsPerCpuSecond,
  total,
  typical,
} from './statistics.ts'

const MIB = 1024 ** 2

export function printContest({ scenario, scores, keptShare }: Contest): void {
  console.log(`\n${nameOf(scenario)}${keptShare < 1 ? `: ${Math.round(keptShare * 100)} % of the items are kept` : ''}`)
  console.log(
    `  ${'program'.padEnd(18)} req/CPU-s  items/CPU-s  us/req  core  p50 ms  p99 ms  peak MiB       sent items   received   failed lost doubled unwanted`,
  )
  for (const score of scores) printScore(score)
  const other = peer(scores, requestsPerCpuSecond)
  const [telegen] = scores
  if (other === undefined || telegen === undefined) return
  const wanted = promised(scenario)
  const reached = ratio(telegen, other, requestsPerCpuSecond)
  const verdict = wanted === undefined ? '' : reached.median >= wanted ? ` (wanted ${wanted})` : ` BELOW ${wanted}`
  console.log(`  ratio to ${other.name}: ${spread(reached)}${verdict}; memory ${memoryRatio(scores)?.toFixed(2)} x`)
}

export function printLatency({ scenario, rate, scores }: LatencyContest): void {
  console.log(`\n${nameOf(scenario)} at ${Math.round(rate)} requests/s for all, latency from when each was due`)
  for (const score of scores)
    console.log(
      `  ${score.name.padEnd(18)} p50 ${typical(score, ({ p50Ms }) => p50Ms).toFixed(2)} ms  ` +
        `p99 ${typical(score, ({ p99Ms }) => p99Ms).toFixed(2)} ms, rounds ${ends(score)}  ` +
        `core ${percent(typical(score, coreShare))}  failed ${total(score, ({ failed }) => failed)}`,
    )
}

function printScore(score: Score): void {
  const rate = typical(score, requestsPerCpuSecond)
  const sum = (key: 'sentItems' | 'arrivedItems' | 'failed' | 'lost' | 'doubled' | 'unwanted'): string =>
    total(score, (window) => window[key]).toLocaleString('en')
  console.log(
    `  ${score.name.padEnd(18)}${Math.round(rate).toLocaleString('en').padStart(10)}` +
      `${Math.round(typical(score, itemsPerCpuSecond)).toLocaleString('en').padStart(13)}${(1e6 / rate).toFixed(1).padStart(8)}` +
      `${percent(typical(score, coreShare)).padStart(6)}${typical(score, ({ p50Ms }) => p50Ms)
        .toFixed(2)
        .padStart(8)}` +
      `${typical(score, ({ p99Ms }) => p99Ms)
        .toFixed(2)
        .padStart(8)}${(peak(score) / MIB).toFixed(0).padStart(10)}` +
      `${sum('sentItems').padStart(17)}${sum('arrivedItems').padStart(12)}${sum('failed').padStart(8)}${sum('lost').padStart(5)}` +
      `${sum('doubled').padStart(8)}${sum('unwanted').padStart(9)}`,
  )
  const fault = score.windows.find((window) => window.fault !== undefined)?.fault
  if (fault !== undefined) console.log(`    ${fault}`)
}

const ends = ({ windows }: Score): string => {
  const values = windows.map(({ p99Ms }) => p99Ms)
  return `${Math.min(...values).toFixed(2)}-${Math.max(...values).toFixed(2)}`
}

const percent = (share: number): string => `${Math.round(share * 100)} %`
const spread = ({ median, least, most }: Ratio): string =>
  `${median.toFixed(2)} x, rounds ${least.toFixed(2)}-${most.toFixed(2)}`

export function printCarried({ name, minutes, windows, cores, peakBytes, usualBytes }: Carried): void {
  console.log(
    `\n${name}: ${minutes} minutes, ${cores.toFixed(3)} cores, ${mebibytes(usualBytes)} MiB in memory, ${mebibytes(peakBytes)} at most`,
  )
  for (const signal of SIGNALS) {
    const { sentItems, wallMs, sentBytes, arrivedBytes, failed, lost, doubled, unwanted, p50Ms, p99Ms, fault } =
      windows[signal]
    const perSecond = (value: number): number => (value * 1000) / wallMs
    console.log(
      `  ${signal.padEnd(8)}${Math.round(perSecond(sentItems)).toLocaleString('en').padStart(8)}/s  ` +
        `${(perSecond(sentBytes) / 1e6).toFixed(1)} MB/s in, ${(perSecond(arrivedBytes) / 1e6).toFixed(1)} out  ` +
        `sent ${sentItems.toLocaleString('en')}  failed requests ${failed}  lost ${lost}  doubled ${doubled + unwanted}  ` +
        `p50 ${p50Ms.toFixed(2)} ms  p99 ${p99Ms.toFixed(2)} ms${fault === undefined ? '' : `  ${fault}`}`,
    )
  }
}

const mebibytes = (bytes: number): string => (bytes / MIB).toFixed(0)
