import { mkdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configuration } from './configuration.ts'
import type { Ports } from './configuration.ts'
import type { Generator, GeneratorOptions } from './generator.ts'
import { Peer } from './peer.ts'
import { freePort } from '../../free-ports.ts'
import type { Certificate, Proxy } from './proxy.ts'
import type { Random } from './random.ts'
import type { Queue } from './row.ts'
import type { Behaviour, Sink } from './sink.ts'
import { Telegen } from './telegen.ts'
import type { TelegenOptions } from './telegen.ts'

export interface SceneOptions {
  /** Of the generator and of Telegen's exporter. Default http. */
  readonly protocol?: 'http' | 'grpc'
  /** Records of a request. */
  readonly size?: number
  /** How long the generator sends again what was not acknowledged, milliseconds. Default 0. */
  readonly retry?: number
  readonly generator?: Partial<GeneratorOptions> | ((directory: string) => Partial<GeneratorOptions>)
  /** A proxy between Telegen and the backend; one that speaks TLS where it is given a certificate. */
  readonly proxy?: boolean | ((directory: string) => Certificate)
  /** An agent before the gateway. Both have the queue. */
  readonly hops?: 1 | 2
  readonly telegen?: TelegenOptions
  /** Changes the configuration of the (last) Telegen: what is given is laid over, keys of objects one by one. */
  readonly config?: (ports: Ports, directory: string) => object
  /** The row starts Telegen itself. */
  readonly idle?: boolean
}

/** How a row is run. */
export interface Conditions {
  readonly queue: Queue
  readonly random: Random
  /** The long form: more rounds, longer outages. */
  readonly long: boolean
  /** How long the long outage is. */
  readonly minutes?: number
  /** `cli/main` of the build under test. */
  readonly main?: string | undefined
}

const DEFAULT_MINUTES = 0.5
const STRIKE_PATIENCE_MS = 20_000
const FRESH_PATIENCE_MS = 90_000

/** The processes of a row: generator, Telegen, proxy, sink; and what the row tells of its fault. */
export class Scene {
  readonly directory: string
  readonly queue: Queue
  readonly random: Random
  readonly long: boolean
  readonly minutes: number
  readonly ports: Ports
  readonly generator = new Peer<Generator>('./generator.ts')
  readonly sink = new Peer<Sink>('./sink.ts')
  readonly proxy: Peer<Proxy> | undefined
  /** What the generator sends to. */
  readonly telegen: Telegen
  /** Between it and the backend, with two hops; else the same. */
  readonly gateway: Telegen
  readonly notes: string[] = []
  readonly faults: string[] = []
  struck = 0
  what = ''
  recovery: Promise<number | undefined> | undefined
  readonly #options: SceneOptions
  readonly #endings: (() => void)[] = []
  readonly #main: string | undefined

  private constructor(directory: string, ports: Ports, options: SceneOptions, conditions: Conditions) {
    this.directory = directory
    this.ports = ports
    this.queue = conditions.queue
    this.random = conditions.random
    this.long = conditions.long
    this.minutes = conditions.minutes ?? DEFAULT_MINUTES
    this.#main = conditions.main
    this.#options = options
    if (options.proxy) this.proxy = new Peer<Proxy>('./proxy.ts')
    this.gateway = this.makeTelegen('gateway', options.telegen)
    this.telegen = options.hops === 2 ? this.makeTelegen('agent') : this.gateway
  }

  static async open(options: SceneOptions, conditions: Conditions): Promise<Scene> {
    const directory = await mkdtemp(join(tmpdir(), 'telegen-chaos-'))
    const numbers = await Promise.all(Array.from({ length: 10 }, freePort))
    const [http, grpc, sinkHttp, sinkGrpc, proxy, metrics, health, agentHttp, agentGrpc, agentMetrics] = numbers as [
      ...(readonly [number, number, number, number, number, number, number, number, number, number]),
    ]
    const ports: Ports = {
      http,
      grpc,
      sink: { http: sinkHttp, grpc: sinkGrpc },
      proxy,
      metrics,
      health,
      agent: { http: agentHttp, grpc: agentGrpc, metrics: agentMetrics },
    }
    const scene = new Scene(directory, ports, options, conditions)
    try {
      await scene.#begin()
    } catch (error) {
      await scene.close()
      throw error
    }
    return scene
  }

  get protocol(): 'http' | 'grpc' {
    return this.#options.protocol ?? 'http'
  }

  get size(): number {
    return this.#options.size ?? 50
  }

  /** Another Telegen of the build under test, with a folder name of its own. */
  makeTelegen(name: string, options: TelegenOptions = {}): Telegen {
    const directory = join(this.directory, name)
    mkdirSync(directory, { recursive: true })
    return new Telegen(directory, { main: this.#main, ...options })
  }

  /** The configuration of the last Telegen, with more laid over it. */
  configure(more: object = {}): void {
    const { ports, directory, queue, protocol } = this
    const to = this.proxy ? ports.proxy : ports.sink[protocol]
    const own = this.#options.config?.(ports, directory) ?? {}
    const listen = { http: ports.http, grpc: ports.grpc, metrics: ports.metrics, health: ports.health }
    this.gateway.configure(configuration({ listen, to, protocol, queue, directory: this.gateway.directory }, own, more))
  }

  /** What the last Telegen is configured with, as text. */
  get configured(): string {
    return readFileSync(this.gateway.config, 'utf8')
  }

  /** Load from now on, records a second. */
  async load(rate: number): Promise<void> {
    await this.generator.call('start', { rate })
  }

  async last(milliseconds: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, milliseconds))
  }

  /** Waits until it is so; on a machine that has more to do, a fault may take its time to strike. */
  async until(isSo: () => Promise<boolean>, patience = STRIKE_PATIENCE_MS): Promise<void> {
    for (const end = performance.now() + patience; performance.now() < end && !(await isSo());) await this.last(20)
  }

  async behave(as: Behaviour, count?: number): Promise<void> {
    await this.sink.call('behave', count === undefined ? { as } : { as, count })
  }

  /** How often the fault struck, as the harness counted it; more than one count are added up. */
  strike(count: number, what: string): void {
    this.struck += count
    this.what = what
  }

  /** Requests of the sink that met a behaviour. */
  async struckSink(kind: Behaviour['kind']): Promise<number> {
    return (await this.sink.call('struck'))[kind] ?? 0
  }

  expect(holds: boolean, otherwise: string): void {
    if (!holds) this.faults.push(otherwise)
  }

  note(text: string): void {
    this.notes.push(text)
  }

  /** The fault is over: a fresh record is sent, and the time until the backend has it is the recovery. */
  heal(): void {
    this.recovery ??= this.#freshRecord()
    // Whoever judges the row awaits it; until then a failure must not end the harness.
    this.recovery.catch(() => undefined)
  }

  /** How often a connection to a port is refused now, of five. */
  async refusedConnections(port: number): Promise<number> {
    let refused = 0
    for (let probe = 0; probe < 5; probe++)
      refused += await new Promise<number>((resolve) => {
        const socket = connect(port, '127.0.0.1')
        socket.on('connect', () => {
          socket.destroy()
          resolve(0)
        })
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED' ? 1 : 0))
      })
    return refused
  }

  /** What Telegen's own metrics say: a sum over all series of that name whose labels contain `having`. For notes, never for the verdict. */
  async metric(name: string, having = ''): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.ports.metrics}/metrics`)).text()
    return text
      .split('\n')
      .filter((line) => line.startsWith(name) && line.includes(having))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  /** `work` is done when no process runs any more, before the folder is removed: what was mounted there must go. */
  atEnd(work: () => void): void {
    this.#endings.push(work)
  }

  async close(): Promise<void> {
    await Promise.all([this.telegen.kill(), this.gateway.kill()])
    await Promise.all([this.generator.stop(), this.sink.stop(), this.proxy?.stop()])
    for (const work of this.#endings.toReversed()) work()
    await rm(this.directory, { recursive: true, force: true })
  }

  async #begin(): Promise<void> {
    const { ports, protocol, size } = this
    const { hops, idle, proxy, retry = 0, generator } = this.#options
    await this.sink.call('open', ports.sink)
    const tls = typeof proxy === 'function' ? proxy(this.directory) : undefined
    await this.proxy?.call('open', { port: ports.proxy, to: ports.sink[protocol], tls })
    this.configure()
    if (hops === 2) {
      const { directory } = this.telegen
      const to = ports[protocol]
      this.telegen.configure(configuration({ listen: { ...ports.agent }, to, protocol, queue: this.queue, directory }))
    }
    const port = hops === 2 ? ports.agent[protocol] : ports[protocol]
    const own = typeof generator === 'function' ? generator(this.directory) : generator
    await this.generator.call('begin', { protocol, port, size, retry, ...own })
    if (idle) return
    await this.gateway.start()
    if (hops === 2) await this.telegen.start()
  }

  async #freshRecord(): Promise<number | undefined> {
    const began = performance.now()
    const index = await this.generator.call('fresh', { patience: FRESH_PATIENCE_MS })
    if (index < 0) return undefined
    while (!(await this.sink.call('has', { first: index * this.size, size: this.size }))) {
      if (performance.now() - began > FRESH_PATIENCE_MS) return undefined
      await this.last(20)
    }
    return Math.round(performance.now() - began)
  }
}
