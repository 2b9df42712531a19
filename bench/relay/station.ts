import { once } from 'node:events'
import type { Server, Socket } from 'node:net'
import { cpuMs, memory } from './accounting.ts'
import type { Client } from './client.ts'
import { GrpcClient } from './grpc-client.ts'
import { grpcSink } from './grpc-sink.ts'
import { requestBlocks } from './header-blocks.ts'
import { HttpClient, requestHead } from './http-client.ts'
import { httpSink } from './http-sink.ts'
import { type Balance, Ledger } from './ledger.ts'
import { type Prepared, RequestPool } from './request-pool.ts'
import type { Scenario } from './scenario.ts'

/** What one window brought. */
export interface Window extends Balance {
  readonly requests: number
  readonly failed: number
  /** What the first that failed heard, and what else went wrong. */
  readonly fault?: string
  readonly sentItems: number
  readonly arrivedItems: number
  /** With what HTTP adds. */
  readonly sentBytes: number
  /** Of the messages, uncompressed. */
  readonly arrivedBytes: number
  readonly cpuMs: number
  /** From the first request until all of it had arrived. */
  readonly wallMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly peakBytes: number
}

export interface Ports {
  readonly input: number
  readonly output: number
}

export interface Load {
  readonly connections: number
  /** Under way on each connection at a time. */
  readonly each: number
  /** Requests that are prepared; more than are ever under way. */
  readonly prepared: number
}

const VARIANTS_OF_BYTES = 200_000
const MOST_VARIANTS = 32
const QUIET_MS = 700
const POLL_MS = 5
const BALANCE_MS = 250
/** How long what was answered may take to arrive. */
const ARRIVAL_LIMIT_MS = 10_000
const MOST_LATENCIES = 1 << 20
const PATHS = {
  traces: ['/opentelemetry.proto.collector.trace.v1.TraceService/Export', '/v1/traces'],
  metrics: ['/opentelemetry.proto.collector.metrics.v1.MetricsService/Export', '/v1/metrics'],
  logs: ['/opentelemetry.proto.collector.logs.v1.LogsService/Export', '/v1/logs'],
} as const

/** The load before one program under test and the backend behind it. */
export class Station {
  readonly #scenario: Scenario
  readonly #ports: Ports
  readonly #load: Load
  readonly #ledger: Ledger
  readonly #pool: RequestPool
  readonly #sink: Server
  readonly #sockets = new Set<Socket>()
  readonly #variants: number
  readonly #latencies = new Float64Array(MOST_LATENCIES)
  #clients: Client[] = []
  #answers = 0
  #failed = 0
  #fault: string | undefined
  #underWay = 0
  #sentBytes = 0
  #arrivedBytes = 0
  /** What a client does whose request was answered. */
  #next: (client: Client) => void = () => {}

  constructor(scenario: Scenario, ports: Ports, load: Load) {
    this.#scenario = scenario
    this.#ports = ports
    this.#load = load
    const variants = Math.ceil(VARIANTS_OF_BYTES / (600 * scenario.items))
    this.#variants = scenario.gzip ? load.prepared : Math.min(MOST_VARIANTS, load.prepared, Math.max(8, variants))
    this.#ledger = new Ledger(scenario.signal, scenario.items, this.#variants)
    const shape = { scenario, variants: this.#variants, head: (length: number) => this.#head(length) }
    this.#pool = new RequestPool(shape, load.prepared, this.#ledger)
    const backend = {
      arrived: (bytes: Buffer, start: number, end: number): void => {
        this.#arrivedBytes += end - start
        this.#ledger.arrived(bytes, start, end)
      },
      fault: (why: string) => void (this.#fault ??= why),
    }
    this.#sink = (scenario.protocol === 'grpc' ? grpcSink : httpSink)(ports.output, backend)
    this.#sink.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  async listening(): Promise<void> {
    if (!this.#sink.listening) await once(this.#sink, 'listening')
  }

  close(): void {
    for (const client of this.#clients) client.close()
    this.#sink.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Sends everything once, and answers what the program keeps of it: one digit for each item. */
  async learn(): Promise<string> {
    this.#begin()
    let left = this.#variants
    await this.#closedLoop(() => left-- > 0)
    await this.#quiet()
    if (this.#failed > 0) throw new Error(`requests failed: ${this.#fault}`)
    return this.#ledger.learn()
  }

  /** As fast as answers come, or with a `rate` in requests a second, whether answers come or not. */
  async window(pid: number, ms: number, rate?: number): Promise<Window> {
    this.#begin()
    const began = performance.now()
    const cpu = cpuMs(pid)
    if (rate === undefined) await this.#closedLoop(() => performance.now() - began < ms)
    else await this.#openLoop(began, ms, rate)
    const limit = performance.now() + ARRIVAL_LIMIT_MS
    while (!this.#ledger.complete && performance.now() < limit) await pause(POLL_MS)
    const wallMs = performance.now() - began
    const used = cpuMs(pid) - cpu
    let balance = this.#ledger.balance()
    // As many as were sent may have arrived, but some twice and others not yet.
    while (balance.lost > 0 && performance.now() < limit) {
      await pause(BALANCE_MS)
      balance = this.#ledger.balance()
    }
    const latencies = this.#latencies.subarray(0, Math.min(this.#answers, MOST_LATENCIES)).sort()
    const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN
    return {
      ...balance,
      requests: this.#answers - this.#failed,
      failed: this.#failed,
      ...(this.#fault !== undefined && { fault: this.#fault }),
      sentItems: (this.#answers - this.#failed) * this.#scenario.items,
      arrivedItems: this.#ledger.arrivedItems,
      sentBytes: this.#sentBytes,
      arrivedBytes: this.#arrivedBytes,
      cpuMs: used,
      wallMs,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      peakBytes: memory(pid).peak,
    }
  }

  #begin(): void {
    this.#pool.begin()
    this.#answers = this.#failed = this.#sentBytes = this.#arrivedBytes = 0
    this.#fault = undefined
    const open = this.#clients.filter((client) => !client.closed)
    while (open.length < this.#load.connections) open.push(this.#connect())
    this.#clients = open
  }

  async #closedLoop(goesOn: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#next = (client) => {
        if (!client.closed && goesOn()) this.#send(client, performance.now())
        else if (this.#underWay === 0) resolve()
      }
      for (const client of this.#clients)
        for (let each = 0; each < this.#load.each && goesOn(); each++) this.#send(client, performance.now())
    })
  }

  /** Requests are due at even intervals; one that cannot go out at once has waited, and that counts. */
  async #openLoop(began: number, ms: number, rate: number): Promise<void> {
    const total = Math.floor((ms / 1000) * rate)
    let turn = 0
    let sent = 0
    this.#next = () => {}
    // What a program that is too slow has not taken by the end is not sent, and is missing from the rate.
    while ((sent < total && performance.now() - began < ms) || this.#underWay > 0) {
      const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * rate))
      while (sent < due) {
        const free = this.#freeClient(turn++)
        if (free === undefined || !this.#send(free, began + (sent / rate) * 1000)) break
        sent++
      }
      if (this.#clients.every(({ closed }) => closed)) throw new Error(`connections were closed: ${this.#fault}`)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #freeClient(turn: number): Client | undefined {
    for (let index = 0; index < this.#clients.length; index++) {
      const client = this.#clients[(index + turn) % this.#clients.length]!
      if (!client.closed && !client.full) return client
    }
    return undefined
  }

  #send(client: Client, since: number): boolean {
    const request = this.#pool.take(since)
    if (request === undefined) return false
    this.#underWay++
    this.#sentBytes += request.bytes.length
    client.send(request)
    return true
  }

  #connect(): Client {
    const answered = (client: Client, request: Prepared, fault: string | undefined): void => {
      this.#underWay--
      if (this.#answers < MOST_LATENCIES) this.#latencies[this.#answers] = performance.now() - request.since
      this.#answers++
      if (fault !== undefined) {
        this.#failed++
        this.#fault ??= fault
        this.#ledger.failed(request.id)
      }
      this.#pool.give(request)
      this.#next(client)
    }
    const { protocol, signal, gzip } = this.#scenario
    const { input } = this.#ports
    if (protocol === 'http') return new HttpClient(input, answered)
    return new GrpcClient(input, requestBlocks(PATHS[signal][0], `127.0.0.1:${input}`, gzip).first, answered)
  }

  #head(length: number): Buffer {
    const { protocol, signal, gzip } = this.#scenario
    return protocol === 'http'
      ? requestHead(PATHS[signal][1], this.#ports.input, gzip, length)
      : requestBlocks(PATHS[signal][0], `127.0.0.1:${this.#ports.input}`, gzip).next
  }

  async #quiet(): Promise<void> {
    let [seen, since] = [-1, performance.now()]
    while (performance.now() - since < QUIET_MS) {
      if (this.#ledger.arrivedItems !== seen) [seen, since] = [this.#ledger.arrivedItems, performance.now()]
      await pause(POLL_MS)
    }
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
