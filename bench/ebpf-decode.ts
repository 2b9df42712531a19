/**
 * What does an HTTP event cost, from the ring's bytes to what is known of it, and what a whole transaction, seen at both of its ends, up to two
 * spans and two durations handed over? Beside `JSON.parse` of as many bytes. `--quick` takes a quarter of the time; `--profile` does
 * nothing but the transactions, for `--cpu-prof`.
 */
import type { TracerContext } from '../src/receivers/ebpf/tracer.ts'
import { Connections, spoken } from '../src/receivers/ebpf/socket/connections.ts'
import { http } from '../src/receivers/ebpf/socket/protocols/http/http.ts'
import { HttpTracer } from '../src/receivers/ebpf/tracers/http/http-tracer.ts'
import type { DecodeRow } from './ebpf/results.ts'
import { httpCapture, type Varying } from './measure/http-capture.ts'
import { type Effort, measure, type Measured, type Task } from './measure/rounds.ts'

const THOROUGH: Effort = { rounds: 15, windowMs: 80, warmUpMs: 800 }
const QUICK: Effort = { rounds: 9, windowMs: 30, warmUpMs: 400 }
/** What the project promises of decoding. */
const WANTED_MICROSECONDS = 1
const PROFILED_MS = 8000

/** Beside the mix that the promise is about: what is said again and again may be known, what is new each time is not. */
const VARIANTS: readonly (readonly [string, Varying])[] = [
  ['same heads', 'nothing'],
  ['new paths', 'path'],
  ['new traceparents', 'traceparent'],
]

export default async function ebpfDecode(options: readonly string[]): Promise<void> {
  const remote = httpCapture({ isLoopback: false })
  if (options.includes('--profile=json')) return profile(parsing(remote))
  if (options.includes('--profile=decode')) return profile(decoding(remote))
  if (options.includes('--profile')) return profile(transactions(httpCapture({ isLoopback: true })))
  await decodeBench(options.includes('--quick') ? QUICK : THOROUGH)
}

/** Prints what it measures, and returns it. */
export async function decodeBench(effort: Effort = THOROUGH): Promise<DecodeRow[]> {
  const remote = httpCapture({ isLoopback: false })
  console.log(`medians of ${effort.rounds} rounds of ${effort.windowMs} ms; Node ${process.version}`)
  console.log(
    `${remote.transactions} transactions a turn, ${Math.round(remote.bytes / remote.events)} bytes an event\n`,
  )
  const events = await measure([parsing(remote), decoding(httpCapture({ isLoopback: false }))], effort)
  print(events, 'event', WANTED_MICROSECONDS)
  const whole = await measure(
    [
      parsingTransactions(remote),
      { ...transactions(httpCapture({ isLoopback: false })), name: 'one side' },
      { ...transactions(httpCapture({ isLoopback: true })), name: 'both sides, joined' },
    ],
    effort,
  )
  print(whole, 'transaction', 0)
  const variants = await measure([parsing(remote), ...VARIANTS.map(variant)], effort)
  print(variants, 'event', 0)
  return [
    ...events.map((one) => ({
      ...rowOf(one, 'event'),
      wanted: one.name === 'decode' ? WANTED_MICROSECONDS : undefined,
    })),
    ...variants.slice(1).map((one) => ({ ...rowOf(one, 'event'), wanted: undefined })),
    ...whole.map((one) => ({ ...rowOf(one, 'transaction'), wanted: undefined })),
  ]
}

const rowOf = ({ name, itemsPerSecond }: Measured, item: string) => ({ name, item, microseconds: 1e6 / itemsPerSecond })

type Capture = ReturnType<typeof httpCapture>

/** Items are events. */
const parsing = (capture: Capture): Task => {
  const texts = capture.asJson()
  return { name: 'JSON.parse', work: () => (texts.forEach((text) => JSON.parse(text)), capture.events) }
}

const parsingTransactions = (capture: Capture): Task => {
  const { work } = parsing(capture)
  return { name: 'JSON.parse', work: (turn) => (work(turn), capture.transactions) }
}

/** Connections, heads and bodies, exchanges paired; nobody makes anything of them. */
function decoding(capture: Capture): Task {
  const account = { drop: fail, note: () => {} }
  let ended = 0
  const listener = { began: () => {}, ended: () => void ended++, lost: () => fail('lost') }
  const protocol = http({ requestHeaders: [], answerHeaders: [], userAgent: false, query: false })
  const connections = new Connections({ limit: 4096, account, protocols: [spoken(protocol, listener, account)] })
  return {
    name: 'decode',
    work() {
      ended = 0
      capture.play((buffer, at, length) => connections.event(buffer, at, length))
      if (ended !== capture.transactions) fail(`${ended} exchanges`)
      return capture.events
    },
  }
}

const variant = ([name, varying]: (typeof VARIANTS)[number]): Task => ({
  ...decoding(httpCapture({ isLoopback: false, varying })),
  name,
})

/** Items are transactions, each of as many spans as it has ends here. */
function transactions(capture: Capture): Task {
  let spans = 0
  const process = { pid: 1, name: 'shop', traced: true, resource: {} }
  const context: TracerContext = {
    processes: { of: () => process, host: process },
    wall: (time) => BigInt(time) + 1_700_000_000_000_000_000n,
    wants: () => true,
    span: () => void spans++,
    record: () => {},
    histogram: () => ({ record: () => {} }),
    counter: () => ({ add: () => {} }),
    gauge: () => {},
    drop: fail,
    note: () => {},
  }
  const tracer = new HttpTracer(context, {
    server: true,
    client: true,
    head_bytes: 1024,
    connections: 4096,
    path: 'template',
    routes: [],
    route_variants: 64,
    query: false,
    query_values: [],
    user_agent: false,
    headers: { request: [], response: [], redact: [] },
    sampling: { ratio: 1, parent: true },
  })
  return {
    name: 'transactions',
    work() {
      spans = 0
      capture.play((buffer, at, length) => tracer.event(buffer, at, length))
      tracer.tick(0)
      if (spans !== capture.spans) fail(`${spans} spans of ${capture.spans}`)
      return capture.transactions
    },
  }
}

/** The fastest turn is what it costs where nothing else runs on the machine. */
function profile({ work }: Task): void {
  const end = performance.now() + PROFILED_MS
  let fastest = Infinity
  let now = performance.now()
  for (let turn = 0; now < end; turn++) {
    const began = now
    const items = work(turn)
    now = performance.now()
    fastest = Math.min(fastest, (now - began) / items)
  }
  console.log(`${(fastest * 1000).toFixed(3)} us each in the fastest turn`)
}

function print(measured: readonly Measured[], item: string, wanted: number): void {
  for (const { name, itemsPerSecond, ratio } of measured) {
    const microseconds = 1e6 / itemsPerSecond
    const verdict =
      wanted === 0 || name === 'JSON.parse'
        ? ''
        : microseconds <= wanted
          ? `  (wanted ${wanted})`
          : `  ABOVE the wanted ${wanted}`
    console.log(
      `  ${name.padEnd(20)}${microseconds.toFixed(3).padStart(8)} us a ${item}${(1 / ratio).toFixed(2).padStart(8)} x${verdict}`,
    )
  }
  console.log()
}

function fail(what: string): void {
  throw new Error(what)
}
