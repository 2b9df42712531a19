import assert from 'node:assert/strict'
import net from 'node:net'
import { test } from 'node:test'
import type { TestContext as Test } from 'node:test'
import { Telegen } from './telegen.ts'
import { freePorts } from '../free-ports.ts'

/** Issue and documentation promise it, in milliseconds. */
const PROMISED = 10_000
const POLL = 50
/** How long each fault goes on once it is seen, in milliseconds: until nothing is left that does not wait for it. */
const LASTS = 12_000

/** A backend as a process of its own, with a way to it that can be made to swallow everything. */
class Backend {
  readonly #ports: readonly [grpc: number, http: number]
  #telegen: Telegen
  readonly #ways: readonly Way[]

  private constructor(ports: readonly [number, number], telegen: Telegen, ways: readonly Way[]) {
    this.#ports = ports
    this.#telegen = telegen
    this.#ways = ways
  }

  static async start(t: Test, ports: readonly [number, number]): Promise<Backend> {
    const ways = await Promise.all(ports.map((port) => Way.open(port)))
    t.after(() => ways.forEach((way) => way.close()))
    const backend = new Backend(ports, await Telegen.start(sink(ports)), ways)
    t.after(async () => {
      backend.signal('SIGCONT')
      await backend.#telegen.stop()
    })
    return backend
  }

  /** Where it is reached. */
  get ways(): readonly number[] {
    return this.#ways.map(({ port }) => port)
  }

  signal(signal: NodeJS.Signals): void {
    this.#telegen.kill(signal)
  }

  async startAgain(): Promise<void> {
    this.#telegen = await Telegen.start(sink(this.#ports))
  }

  swallow(everything: boolean): void {
    for (const way of this.#ways) way.swallow(everything)
  }

  forget(): void {
    for (const way of this.#ways) way.forget()
  }
}

const sink = ([grpc, http]: readonly [number, number]) => `
receivers: { otlp: { protocols: { grpc: { endpoint: '127.0.0.1:${grpc}' }, http: { endpoint: '127.0.0.1:${http}' } } } }
exporters: { nop: }
service: { pipelines: { traces: { receivers: [otlp], exporters: [nop] } } }
`

/**
 * Passes bytes on. Once it swallows, nothing of what is connected ever arrives any more, and nobody says so: no answer, no end, no error.
 * Who connects meanwhile gets through when it has ceased to, as the system's own attempts to connect do.
 */
class Way {
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()
  readonly #dead = new WeakSet<net.Socket>()
  readonly #waiting: (() => void)[] = []
  #swallows = false

  private constructor(to: number) {
    this.#server = net.createServer({ pauseOnConnect: true }, (near) => {
      this.#keep(near)
      const connect = () => {
        const far = net.connect(to, '127.0.0.1')
        this.#keep(far)
        this.#pass(near, far)
        this.#pass(far, near)
        near.resume()
      }
      if (this.#swallows) this.#waiting.push(connect)
      else connect()
    })
  }

  static async open(to: number): Promise<Way> {
    const way = new Way(to)
    await new Promise<void>((resolve) => way.#server.listen(0, '127.0.0.1', resolve))
    return way
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port
  }

  swallow(everything: boolean): void {
    this.#swallows = everything
    if (everything) for (const socket of this.#sockets) this.#dead.add(socket)
    else for (const connect of this.#waiting.splice(0)) connect()
  }

  /** Who connected while it swallowed everything stays where he is. */
  forget(): void {
    this.#waiting.length = 0
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #keep(socket: net.Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
  }

  #pass(from: net.Socket, to: net.Socket): void {
    from.on('data', (bytes) => void (this.#dead.has(from) || to.write(bytes)))
    from.on('close', () => void (this.#dead.has(from) || to.destroy()))
  }
}

interface Ready {
  readonly code: number
  /** Ids of what fails. */
  readonly failing: readonly string[]
}

class Probe {
  readonly #port: number
  /** What /live answered, each different answer once. */
  readonly live = new Set<number>()

  constructor(port: number) {
    this.#port = port
  }

  async ready(): Promise<Ready> {
    const [ready, live] = await Promise.all(
      ['ready', 'live'].map((page) => fetch(`http://127.0.0.1:${this.#port}/${page}`)),
    )
    this.live.add((live as Response).status)
    const { components } = (await (ready as Response).json()) as { components: Record<string, unknown> }
    return { code: (ready as Response).status, failing: Object.keys(components).toSorted() }
  }

  /** Milliseconds until `holds`; rejects with the last answer when that takes much longer than it may. */
  async until(holds: (ready: Ready) => boolean): Promise<number> {
    const began = performance.now()
    for (;;) {
      const ready = await this.ready()
      const took = performance.now() - began
      if (holds(ready)) return took
      if (took > 4 * PROMISED) throw new Error(`still ${JSON.stringify(ready)}`)
      await new Promise((resolve) => setTimeout(resolve, POLL))
    }
  }

  /** Rejects with the first answer that does not hold within the time. */
  async while(time: number, holds: (ready: Ready) => boolean): Promise<void> {
    for (const began = performance.now(); performance.now() - began < time;) {
      const ready = await this.ready()
      assert.ok(holds(ready), JSON.stringify(ready))
      await new Promise((resolve) => setTimeout(resolve, POLL))
    }
  }
}

const EXPORTERS = ['exporter:otlp_grpc', 'exporter:otlp_http']

/** Its own traffic, over gRPC and over HTTP, with the options that users have who write none. */
const agent = ([grpc, http]: readonly number[], health: number) => `
receivers: { telemetry_generator: { rate: 200 } }
exporters:
  otlp_grpc: { endpoint: 'http://127.0.0.1:${grpc}' }
  otlp_http: { endpoint: 'http://127.0.0.1:${http}' }
extensions: { health_check: { endpoint: '127.0.0.1:${health}' } }
service:
  extensions: [health_check]
  pipelines: { traces: { receivers: [telemetry_generator], exporters: [otlp_grpc, otlp_http] } }
`

const faults: Record<string, { strike: (backend: Backend) => void; heal: (backend: Backend) => void | Promise<void> }> =
  {
    'is gone: connections are refused': {
      strike: (backend) => backend.signal('SIGKILL'),
      heal: (backend) => backend.startAgain(),
    },
    'hangs: it takes connections and requests, and answers none': {
      strike: (backend) => backend.signal('SIGSTOP'),
      heal: (backend) => backend.signal('SIGCONT'),
    },
    'is behind a black hole, which ends without a word about what it swallowed': {
      strike: (backend) => backend.swallow(true),
      heal: (backend) => backend.swallow(false),
    },
    'is behind a black hole that took connections, which are dead for ever after': {
      strike: (backend) => backend.swallow(true),
      heal: (backend) => {
        backend.forget()
        backend.swallow(false)
      },
    },
  }

for (const [what, { strike, heal }] of Object.entries(faults)) {
  const title = `readiness is red within 10 s of a backend that ${what}; and green within 10 s of its return; liveness stays green`
  test(title, async (t) => {
    const [health, grpc, http] = (await freePorts(3)) as [number, number, number]
    const backend = await Backend.start(t, [grpc, http])
    const telegen = await Telegen.start(agent(backend.ways, health))
    t.after(() => telegen.stop())
    const probe = new Probe(health)
    await probe.until(({ code }) => code === 200)

    strike(backend)
    const red = await probe.until(({ code, failing }) => code === 503 && EXPORTERS.every((id) => failing.includes(id)))
    await probe.while(LASTS, ({ code }) => code === 503)
    await heal(backend)
    const green = await probe.until(({ code }) => code === 200)

    t.diagnostic(`red after ${red.toFixed()} ms, green after ${green.toFixed()} ms`)
    assert.ok(red <= PROMISED, `red after ${red} ms`)
    assert.ok(green <= PROMISED, `green after ${green} ms`)
    assert.deepEqual([...probe.live], [200])
  })
}
