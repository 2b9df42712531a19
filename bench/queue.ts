/**
 * What does a sending queue on disk cost? Two whole Telegens, OTLP gRPC in and out, requests of 512 spans: one with a queue in memory, one whose
 * queue is on disk and which answers `durable`. Both run at once, pinned to one core, and take turns in windows; a window ends when the backend has
 * all of it. Load and backend are another process on another core, and so cheap that it is Telegen which is measured.
 *
 *   --quick             a third of the rounds
 *   --telegen=FILE      another program than dist/cli/main.js;  --cores=0,1 of the programs, and of the load
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../test/free-ports.ts'
import type { Score } from './relay/contest.ts'
import { LoadProcess } from './relay/load-process.ts'
import { Running, telegen } from './relay/programs.ts'
import { coreShare, ratio, total, typical } from './relay/statistics.ts'
import type { Ports, Window } from './relay/station.ts'

const ROUNDS = 15
const WINDOW_MS = 2_000
/** Windows of each before the rounds, so that compilers and heaps have found their state. */
const WARM_UPS = 4
/** In flight enough that groups form while the disk is busy: who waits for each answer measures how long a sync takes. */
const LOAD = { connections: 4, each: 16, prepared: 32 }
const SCENARIO = { protocol: 'grpc', work: 'pass', items: 512, signal: 'traces', gzip: false, batch: true } as const
/** What the project promises: the disk's throughput as a share of memory's. */
const WANTED = 0.6
const QUEUES = ['memory', 'disk'] as const

export default async function queue(options: readonly string[]): Promise<void> {
  const value = (name: string): string | undefined =>
    options.find((option) => option.startsWith(`--${name}=`))?.slice(name.length + 3)
  const [core = 0, loadCore = 1] = (value('cores') ?? '0,1').split(',').map(Number)
  const rounds = options.includes('--quick') ? ROUNDS / 3 : ROUNDS
  const folder = mkdtempSync(join(tmpdir(), 'telegen-bench-'))
  const load = new LoadProcess(loadCore)
  const running: Running[] = []
  try {
    const ports: Ports[] = []
    for (const _ of QUEUES) ports.push({ input: await freePort(), output: await freePort() })
    await load.ask({ ask: 'open', posts: ports.map((each) => ({ scenario: SCENARIO, ports: each, load: LOAD })) })
    for (const [index, name] of QUEUES.entries()) {
      const yaml = configuration(name, ports[index]!, join(folder, 'store'))
      running.push(await Running.start({ ...telegen(value('telegen')), name }, yaml, folder, core))
    }
    const window = async (target: number): Promise<Window> => {
      const { pid } = running[target]!
      const { windows } = await load.ask({ ask: 'window', pid, ms: WINDOW_MS, at: [{ target }] })
      return windows[0]!
    }
    for (const target of QUEUES.keys()) for (let turn = 0; turn < WARM_UPS; turn++) await window(target)
    report(await measured(rounds, window))
  } finally {
    for (const each of running) {
      const fault = await each.stop()
      if (fault !== undefined) console.error(fault)
    }
    load.end()
    rmSync(folder, { recursive: true })
  }
}

/** Who comes first changes from round to round. */
async function measured(rounds: number, window: (target: number) => Promise<Window>): Promise<[Score, Score]> {
  const windows = QUEUES.map((): Window[] => [])
  for (let round = 0; round < rounds; round++)
    for (let turn = 0; turn < windows.length; turn++) {
      const target = (turn + round) % windows.length
      windows[target]!.push(await window(target))
    }
  const [memory, disk] = windows.map((each, index) => ({ name: QUEUES[index]!, windows: each }))
  return [memory!, disk!]
}

function report([memory, disk]: readonly [Score, Score]): void {
  console.log(`medians of ${memory.windows.length} windows each; Node ${process.version}; requests of 512 spans`)
  for (const score of [memory, disk]) {
    const { name } = score
    const lost = total(score, (window) => window.lost)
    const failed = total(score, (window) => window.failed)
    console.log(
      `${name.padEnd(7)} ${typical(score, rate).toFixed(0).padStart(6)} requests/s  ${typical(score, cost).toFixed(3)} ms of CPU a request  ` +
        `${(100 * typical(score, coreShare)).toFixed(0)} % of its core  ${lost} items lost, ${failed} requests refused`,
    )
  }
  const rates = ratio(disk, memory, rate)
  const costs = ratio(disk, memory, cost)
  const spread = (of: typeof rates): string => `rounds ${of.least.toFixed(2)}-${of.most.toFixed(2)}`
  console.log(
    `disk / memory: ${rates.median.toFixed(2)} of the throughput (wanted: ${WANTED}), ${spread(rates)}\n` +
      `               ${costs.median.toFixed(2)} of the CPU a request, ${spread(costs)}`,
  )
}

const rate = ({ requests, wallMs }: Window): number => (requests * 1_000) / wallMs
const cost = ({ requests, cpuMs }: Window): number => cpuMs / requests

function configuration(name: (typeof QUEUES)[number], { input, output }: Ports, store: string): string {
  const disk = name === 'disk'
  return `
receivers: { otlp: { protocols: { grpc: { endpoint: 127.0.0.1:${input} } } } }
exporters:
  otlp_grpc:
    endpoint: http://127.0.0.1:${output}
    compression: none
    sending_queue: { block_on_overflow: true${disk ? ', storage: file_storage' : ''} }
${disk ? `extensions: { file_storage: { directory: ${store}, create_directory: true } }` : ''}
service:
  ${disk ? 'extensions: [file_storage]' : ''}
  telemetry: { metrics: { level: none } }
  pipelines: { traces: { receivers: [otlp], exporters: [otlp_grpc] } }
`
}
