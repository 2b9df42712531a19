import { configuration, FuzzedTelegen } from '../otlp/fuzzed-telegen.ts'
import { Sink } from '../otlp/sink.ts'
import type { Random } from '../random.ts'
import { Finding } from '../target.ts'
import type { Target } from '../target.ts'
import { judgeWork, Watch } from '../watch.ts'
import { Authority, withoutOpenssl } from '../../transport/certificates.ts'
import type { Certificate } from '../../transport/certificates.ts'
import { ClientProcess } from './client-process.ts'
import { tryClient } from './client-trial.ts'
import { inputText, makeInput, readInput, smallerInputs } from './input.ts'
import type { Http2Input } from './input.ts'
import { tryServer } from './server-trial.ts'

const BOUNDS = { memory: 600, growth: 32 }
/** The client makes a context of TLS for every fourth input, which takes a MiB beside the heap until it is collected. */
const CLIENT_BOUNDS = { ...BOUNDS, memory: 800 }

/** Conversations of real peers, and made up ones, changed in their frames and bytes: said to Telegen's server, and answered to its client. */
export class Http2Target implements Target<Http2Input> {
  readonly name = 'http2'
  readonly parallel = 12
  readonly settleEvery: number
  readonly #side: 'server' | 'client' | undefined
  readonly #sink = new Sink()
  readonly #words = new Map<string, number>()
  readonly #watches = { server: new Watch('server', BOUNDS), client: new Watch('client', CLIENT_BOUNDS) }
  readonly #slowest = { answer: 0 }
  #sinkPort = 0
  #telegen: FuzzedTelegen | undefined
  #client: ClientProcess | undefined
  #authority: Authority | undefined
  /** Undefined where none can be made: everything is in the clear then. */
  #certificate: Certificate | undefined

  /** `side`: only inputs to that. */
  constructor(settleEvery = 3000, side?: 'server' | 'client') {
    this.settleEvery = settleEvery
    this.#side = side
  }

  async open(): Promise<void> {
    this.#sinkPort = await this.#sink.open()
    if (!withoutOpenssl) this.#certificate = (this.#authority = new Authority()).sign('localhost')
    await this.#start()
  }

  make(random: Random): Http2Input {
    for (;;) {
      const input = makeInput(random)
      if (this.#side === undefined || this.#side === input.to) return input
    }
  }

  async run({ to, connections, sound, secure }: Http2Input): Promise<void> {
    const [telegen, client] = [this.#telegen as FuzzedTelegen, this.#client as ClientProcess]
    const certificate = secure ? this.#certificate : undefined
    const port = certificate ? telegen.ports.tls : telegen.ports.work.grpc
    try {
      const words =
        to === 'server'
          ? await tryServer({ port, secure: certificate !== undefined }, connections, sound, this.#slowest)
          : await tryClient(client, connections[0] ?? [], sound, certificate)
      if (certificate) words.push('over TLS')
      for (const word of words) this.#words.set(word, (this.#words.get(word) ?? 0) + 1)
    } catch (thrown) {
      if (!telegen.alive) throw new Finding('crash of the server', telegen.end, { cause: thrown })
      if (!client.alive) throw new Finding('crash of the client', client.end, { cause: thrown })
      throw thrown
    }
  }

  async settled(): Promise<void> {
    const telegen = this.#telegen as FuzzedTelegen
    await this.#watches.client.judge(this.#client as ClientProcess)
    if (telegen.alive) await judgeWork(telegen, this.#sink)
    await this.#watches.server.judge(telegen)
  }

  async reopen(): Promise<void> {
    await this.#stop()
    this.#sink.problem = undefined
    await this.#start()
  }

  async close(): Promise<void> {
    const code = await this.#stop()
    await this.#sink.close()
    this.#authority?.[Symbol.dispose]()
    if (code !== 0) throw new Finding('bad end', `exit code ${code} after SIGTERM`)
  }

  smaller = smallerInputs
  text = inputText
  read = readInput

  told(): string {
    const words = [...this.#words].sort(([, left], [, right]) => right - left)
    const { server, client } = this.#watches
    const figures = `${server.told}, ${client.told}, slowest answer ${Math.round(this.#slowest.answer)} ms`
    return `${figures}, ${words.map(([word, times]) => `${word}: ${times}`).join(', ')}`
  }

  async #start(): Promise<void> {
    this.#telegen = await FuzzedTelegen.start(this.#sinkPort, configuration(this.#certificate))
    this.#client = new ClientProcess()
    this.#watches.server.renew()
    this.#watches.client.renew()
    await this.#telegen.look()
    await this.#client.look()
  }

  async #stop(): Promise<number | null> {
    await this.#client?.stop()
    return (await this.#telegen?.stop()) ?? null
  }
}
