/**
 * What does a sending queue on disk cost? Two whole Telegens, OTLP gRPC in and out, requests of 512 spans: one with a queue in
 * memory, one whose queue is on disk and which answers `durable`. Both run at once and take turns in windows of 2 s; a window ends when
 * the backend has all of it. `--quick` takes a third of the rounds.
 */
import { fork, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import * as grpc from '@grpc/grpc-js'
import { join } from '../src/data/kernels/merge.ts'
import { freePort } from '../test/free-ports.ts'
import { payloads } from './measure/payloads.ts'

const ROUNDS = 15
const WINDOW_MS = 2_000
const WARM_UP_MS = 3_000
const AT_ONCE = 16
/** What the project promises: the disk's throughput as a share of memory's. */
const WANTED = 0.6
const START_LIMIT_MS = 30_000
/** `/proc/PID/stat` counts in hundredths of a second. */
const TICK_MS = 10
const PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'

interface Target {
  readonly name: string
  readonly process: ChildProcess
  readonly client: grpc.Client
  readonly sink: ChildProcess
  taken: number
}

interface Window {
  readonly rate: number
  /** Processor milliseconds of the Telegen, for one request. */
  readonly cost: number
}

export default async function queue(options: readonly string[]): Promise<void> {
  const rounds = options.includes('--quick') ? ROUNDS / 3 : ROUNDS
  const folder = mkdtempSync(joinPath(tmpdir(), 'telegen-bench-'))
  const bodies = payloads('traces').map((batch) => Buffer.from(join(batch)))
  const targets = [await start('memory', folder), await start('disk', folder)]
  try {
    for (const target of targets) await window(target, bodies, WARM_UP_MS)
    const measured = targets.map((): Window[] => [])
    for (let round = 0; round < rounds; round++)
      for (let turn = 0; turn < targets.length; turn++) {
        // Who comes first changes from round to round.
        const index = (turn + round) % targets.length
        measured[index]?.push(await window(targets[index] as Target, bodies, WINDOW_MS))
      }
    report(measured, bodies[0]?.length ?? 0)
  } finally {
    for (const target of targets) await end(target)
    rmSync(folder, { recursive: true })
  }
}

function report([memory = [], disk = []]: readonly Window[][], bytes: number): void {
  console.log(
    `medians of ${memory.length} windows each; Node ${process.version}; requests of 512 spans, ${bytes} bytes`,
  )
  for (const [name, windows] of [
    ['memory', memory],
    ['disk', disk],
  ] as const) {
    const rate = median(windows.map((each) => each.rate))
    const cost = median(windows.map((each) => each.cost))
    console.log(`${name.padEnd(7)} ${rate.toFixed(0).padStart(6)} requests/s  ${cost.toFixed(3)} ms of CPU a request`)
  }
  const ratios = (pick: (window: Window) => number) =>
    disk.map((each, round) => pick(each) / pick(memory[round] as Window)).sort((left, right) => left - right)
  const rates = ratios(({ rate }) => rate)
  console.log(
    `disk / memory: ${median(rates).toFixed(2)} of the throughput (wanted: ${WANTED}), rounds ${spread(rates)}`,
  )
  const costs = ratios(({ cost }) => cost)
  console.log(`               ${median(costs).toFixed(2)} of the CPU a request, rounds ${spread(costs)}`)
}

/** Sends for `length` milliseconds, `AT_ONCE` requests under way, and waits until the backend has them. */
async function window(target: Target, bodies: readonly Buffer[], length: number): Promise<Window> {
  const before = target.taken
  const cpu = cpuMs(target.process)
  const began = performance.now()
  let sent = 0
  const sending = Array.from({ length: AT_ONCE }, async (_, worker) => {
    for (let turn = worker; performance.now() - began < length; turn++)
      if (await send(target, bodies[turn % bodies.length] as Buffer)) sent++
  })
  await Promise.all(sending)
  while (target.taken < before + sent) await once(target.sink, 'message')
  const took = performance.now() - began
  return { rate: (sent * 1_000) / took, cost: (cpuMs(target.process) - cpu) / sent }
}

function send({ client }: Target, body: Buffer): Promise<boolean> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(PATH, same, same, body, (error) => {
      if (error === null) resolve(true)
      else if (error.code === grpc.status.RESOURCE_EXHAUSTED || error.code === grpc.status.UNAVAILABLE) resolve(false)
      else reject(error)
    })
  })
}

const same = (bytes: Buffer): Buffer => bytes

async function start(name: 'memory' | 'disk', folder: string): Promise<Target> {
  const [input, output] = [await freePort(), await freePort()]
  const file = joinPath(folder, `${name}.yaml`)
  writeFileSync(file, configuration(name, input, output, joinPath(folder, 'store')))
  const sink = fork(new URL('measure/counting-sink.ts', import.meta.url), [String(output)])
  const telegen = spawn(process.execPath, [new URL('../src/cli/main.ts', import.meta.url).pathname, '--config', file], {
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  await ready(telegen)
  const client = new grpc.Client(`127.0.0.1:${input}`, grpc.credentials.createInsecure())
  const target: Target = { name, process: telegen, client, sink, taken: 0 }
  sink.on('message', (taken: number) => (target.taken = taken))
  return target
}

function configuration(name: string, input: number, output: number, store: string): string {
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

async function ready(telegen: ChildProcess): Promise<void> {
  let said = ''
  const limit = AbortSignal.timeout(START_LIMIT_MS)
  while (!said.includes('Everything is ready')) {
    const [chunk] = (await once(telegen.stderr!, 'data', { signal: limit })) as [Buffer]
    said += chunk.toString()
  }
  telegen.stderr!.resume()
}

async function end({ client, process: telegen, sink }: Target): Promise<void> {
  client.close()
  const gone = once(telegen, 'exit')
  telegen.kill()
  await gone
  sink.disconnect()
}

/** Of all its threads, from the kernel's accounting. */
function cpuMs({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? NaN
const spread = (sorted: readonly number[]): string => `${sorted[0]?.toFixed(2)}-${sorted.at(-1)?.toFixed(2)}`
