/** `docs/performance.md`. */
import { ITEMS_A_REQUEST, ITEMS_A_SECOND } from './carry.ts'
import type { FloorRow, LatencyRow, ProgramRow, RelayRow, Results } from './rows.ts'
import { ALL, nameOf } from './scenario.ts'

const MIB = 1024 ** 2
/** That of the programs and that of the load. */
const CORES_BUSY = 2

export function page(results: Results): string {
  const order = ALL.map(nameOf)
  const rows = results.relay.toSorted((left, right) => order.indexOf(left.name) - order.indexOf(right.name))
  const parts = [
    `# Performance

What Telegen costs beside the OpenTelemetry Collector, given the same file and the same load. This page is made by \`npm run bench -- relay --write\` and
\`npm run bench -- floor --write\`; do not edit it. Figures of other machines differ, ratios less so.

Measured on: ${results.machine}.`,
    rows.length > 0 ? relayPart(rows) : '',
    results.latency === undefined ? '' : latencyPart(results.latency),
    results.floor.length > 0 ? floorPart(results.floor) : '',
    rows.length > 0 ? slowerPart(rows, results.latency) : '',
    REPEAT,
  ]
  return `${parts.filter(Boolean).join('\n\n')}\n`
}

const REPEAT = `## How it is measured

\`\`\`
npm run build && npm run otelcol      # the Collector once, some minutes; needs Go
npm run bench -- relay --write        # --list names the rows, --only=grpc/chain/10 chooses
npm run bench -- floor --beside --write
\`\`\`

- One process is load and backend at once, on a core of its own. It speaks HTTP/2 and HTTP/1.1 by hand and shares no code with Telegen's transport. gRPC: 4 connections, 96 requests
  of 10 items or 8 of 512 under way; HTTP: as many connections as requests, 32 or 8. Without a queue, an answer means that the backend had answered.
- All programs run at once, pinned to one other core, and take turns in windows, the order changing from round to round, so that a machine that others use, too, is
  as slow for one as for the other. A ratio is that of a round; the table has the median of the rounds, and the least and the most.
- Processor time is the kernel's, of all threads and child processes, for user and system. Where a program does not fill its core ("core"), what it costs to be woken counts for more.
- The Collector runs at its defaults and at \`GOGC=400\`; the one that does more is the peer. Memory is the highest resident size.
- Every item has a number: what did not arrive is lost, what arrived twice, or was to be dropped and was not, is doubled. Both programs must keep the same items, one by one.
- Chain: \`resource\` inserts an attribute, \`attributes\` inserts one into each record, \`filter\` drops half, \`probabilistic_sampler\` keeps half of the rest (traces and logs). Own metrics are off in both.`

function relayPart(rows: readonly RelayRow[]): string {
  const lines = rows.map((row) => {
    const [telegen] = row.programs
    const other = row.programs.find(({ name }) => name === row.peer)
    return cells([
      `\`${row.name}\``,
      whole(telegen?.requests),
      whole(other?.requests),
      row.ratio === undefined
        ? ''
        : `**${row.ratio.median.toFixed(1)}** (${row.ratio.least.toFixed(1)}-${row.ratio.most.toFixed(1)})`,
      row.wanted === undefined ? '' : `${row.wanted}`,
      whole(telegen?.items),
      `${percent(telegen?.core)}, ${percent(other?.core)}`,
      `${telegen?.p99Ms.toFixed(1)}, ${other?.p99Ms.toFixed(1)}`,
      `${mebibytes(telegen?.peakBytes)} (${row.memoryRatio?.toFixed(2)})`,
      losses(row.programs),
    ])
  })
  const busiest = Math.max(...rows.map(({ loadAverage }) => loadAverage))
  const rounds = [...new Set(rows.map((row) => row.rounds))].toSorted((left, right) => left - right).join(' or ')
  const { windowMs } = rows[0]!
  const dates = [...new Set(rows.map(({ date }) => date))].toSorted().join(', ')
  return `## Requests per second of processor time

${dates}; ${rounds} rounds of ${windowMs / 1000} s. A row is protocol, work, items in a request, signal, and what is switched on. Telegen first, the Collector second.
The load average was up to ${busiest.toFixed(1)} on ${CORES_BUSY} cores that the bench keeps busy.

${cells(['', 'Telegen', 'Collector', 'ratio (rounds)', 'promised', 'items/CPU-s', 'core', 'p99 ms', 'MiB (ratio)', 'failed, lost, doubled'])}
${cells(['---', '--:', '--:', '--:', '--:', '--:', '--:', '--:', '--:', '---'])}
${lines.join('\n')}`
}

function latencyPart({ name, rate, programs, date }: LatencyRow): string {
  const lines = programs.map(({ name, p50Ms, p99Ms, core, failed }) =>
    cells([name, p50Ms.toFixed(2), p99Ms.toFixed(2), percent(core), whole(failed)]),
  )
  return `## Latency at half load

${date}; \`${name}\`: ${whole(rate)} requests a second for each, half of what the slowest can do, sent when they are due whether answers come or not, and timed from then.

${cells(['', 'p50 ms', 'p99 ms', 'core', 'failed'])}
${cells(['---', '--:', '--:', '--:', '--:'])}
${lines.join('\n')}`
}

function floorPart(rows: readonly FloorRow[]): string {
  const lines = rows.map((row) =>
    cells([
      row.name,
      row.cores.toFixed(2),
      `${mebibytes(row.usualBytes)}, ${mebibytes(row.peakBytes)}`,
      `${(row.inBytes / 1e6).toFixed(0)}, ${(row.outBytes / 1e6).toFixed(0)}`,
      whole(row.items),
      `${row.failed}, ${row.lost}, ${row.doubled}`,
    ]),
  )
  const rates = Object.entries(ITEMS_A_SECOND).map(([signal, rate]) => `${whole(rate)} ${signal}`)
  return `## What one process carries

${rows[0]!.date}; ${rates.join(', ')} a second in requests of ${ITEMS_A_REQUEST} for ${rows[0]!.minutes} minutes, gRPC in and out, uncompressed, through \`resource_detection\`,
\`attributes\` and \`batch\`. Promised: half a core and 256 MiB, nothing lost.

${cells(['', 'cores', 'MiB usual, peak', 'MB/s in, out', 'items', 'failed, lost, doubled'])}
${cells(['---', '--:', '--:', '--:', '--:', '---'])}
${lines.join('\n')}`
}

/** Said by the figures, not by us. */
function slowerPart(rows: readonly RelayRow[], latency: LatencyRow | undefined): string {
  const slower = rows.filter(({ ratio }) => ratio !== undefined && ratio.median < 1)
  const below = rows.filter(
    ({ ratio, wanted }) => ratio !== undefined && wanted !== undefined && ratio.median >= 1 && ratio.median < wanted,
  )
  const larger = rows.filter(({ memoryRatio }) => memoryRatio !== undefined && memoryRatio > 1.5)
  const lines = [
    ...slower.map(({ name, ratio }) => `- \`${name}\`: slower than the Collector, ${ratio!.median.toFixed(2)} of it.`),
    ...below.map(
      ({ name, ratio, wanted }) =>
        `- \`${name}\`: ${ratio!.median.toFixed(1)} times the Collector; promised ${wanted}.`,
    ),
    ...larger.map(
      ({ name, memoryRatio }) => `- \`${name}\`: ${memoryRatio!.toFixed(2)} times its memory; promised 1.5.`,
    ),
    ...behindInLatency(latency),
  ]
  return `## Where we are slower, or short of the promise\n\n${lines.length > 0 ? lines.join('\n') : 'In none of these rows.'}`
}

function behindInLatency(latency: LatencyRow | undefined): string[] {
  const [telegen, ...others] = latency?.programs ?? []
  const best = Math.min(...others.map(({ p99Ms }) => p99Ms))
  if (telegen === undefined || telegen.p99Ms <= best) return []
  return [`- Latency at half load: p99 ${telegen.p99Ms.toFixed(2)} ms, the Collector ${best.toFixed(2)} ms.`]
}

function losses(programs: readonly ProgramRow[]): string {
  const bad = programs.filter(({ failed, lost, doubled }) => failed + lost + doubled > 0)
  if (bad.length === 0) return 'none'
  return bad.map(({ name, failed, lost, doubled }) => `${name}: ${failed}, ${lost}, ${doubled}`).join('; ')
}

const cells = (values: readonly string[]): string => `| ${values.join(' | ')} |`
const whole = (value: number | undefined): string => Math.round(value ?? Number.NaN).toLocaleString('en')
const percent = (share: number | undefined): string => `${Math.round((share ?? Number.NaN) * 100)} %`
const mebibytes = (bytes: number | undefined): string => ((bytes ?? Number.NaN) / MIB).toFixed(0)
