import type { Random } from '../random.ts'
import { Finding } from '../target.ts'
import type { Target } from '../target.ts'
import { parseRpcStatusJson, decodeRpcStatus } from '../../../src/transport/rpc-status.ts'
import { corpus } from './corpus.ts'
import type { Corpus } from './corpus.ts'
import { FuzzedTelegen } from './fuzzed-telegen.ts'
import { inputText, makeInput, readInput, smallerInputs } from './input.ts'
import type { OtlpInput } from './input.ts'
import { Senders } from './senders.ts'
import type { GrpcAnswer, HttpAnswer } from './senders.ts'
import { Sink } from './sink.ts'
import { judgeWork, Watch } from '../watch.ts'

/** gRPC statuses that a sender may get: taken, malformed, too large, unknown, framed wrongly, cannot now. */
const GRPC_STATUSES = new Set([0, 3, 8, 12, 13, 14])
const HTTP_STATUSES = new Set([200, 400, 404, 405, 413, 415, 429, 503])

/** OTLP over gRPC and HTTP, protobuf and JSON, into a Telegen that has all kinds of stages. */
export class OtlpTarget implements Target<OtlpInput> {
  readonly name = 'otlp'
  readonly parallel = 12
  readonly settleEvery: number
  readonly #corpus: Corpus
  readonly #sink = new Sink()
  readonly #answers = new Map<string, number>()
  readonly #watch = new Watch('server', { memory: 700, growth: 48 })
  #sinkPort = 0
  #telegen: FuzzedTelegen | undefined
  #senders: Senders | undefined

  constructor(seed: number, settleEvery = 3000) {
    this.#corpus = corpus(seed)
    this.settleEvery = settleEvery
  }

  async open(): Promise<void> {
    this.#sinkPort = await this.#sink.open()
    await this.#start()
  }

  make(random: Random): OtlpInput {
    return makeInput(random, this.#corpus)
  }

  async run(input: OtlpInput): Promise<void> {
    try {
      const answer = await this.#send(input)
      this.#answers.set(answer, (this.#answers.get(answer) ?? 0) + 1)
    } catch (thrown) {
      if (!this.#running.alive) throw new Finding('crash of the server', this.#running.end, { cause: thrown })
      throw thrown
    }
  }

  async settled(): Promise<void> {
    const telegen = this.#running
    if (telegen.alive) await judgeWork(telegen, this.#sink)
    await this.#watch.judge(telegen)
  }

  async reopen(): Promise<void> {
    await this.#stop()
    this.#sink.problem = undefined
    await this.#start()
  }

  async close(): Promise<void> {
    const code = await this.#stop()
    await this.#sink.close()
    if (code !== 0) throw new Finding('bad end', `exit code ${code} after SIGTERM`)
  }

  smaller = smallerInputs
  text = inputText
  read = readInput

  told(): string {
    const answers = [...this.#answers].sort(([, left], [, right]) => right - left)
    return `${this.#watch.told}, ${this.#sink.requests} delivered, ${answers.map(([answer, times]) => `${answer}: ${times}`).join(', ')}`
  }

  get #running(): FuzzedTelegen {
    if (!this.#telegen) throw new Error('the target is not open')
    return this.#telegen
  }

  async #start(): Promise<void> {
    this.#telegen = await FuzzedTelegen.start(this.#sinkPort)
    this.#senders = new Senders(this.#telegen.ports)
    this.#watch.renew()
    // What the start took is not the input's.
    await this.#telegen.look()
  }

  async #stop(): Promise<number | null> {
    this.#senders?.close()
    return this.#running.stop()
  }

  /** Sends it, judges the answer, and says in a word what it was. */
  async #send(input: OtlpInput): Promise<string> {
    const senders = this.#senders as Senders
    switch (input.via) {
      case 'http':
        return judgeHttp(input, await twice(() => senders.http(input)))
      case 'grpc':
        return judgeGrpc(input, await twice(() => senders.grpc(input)))
      default:
        return (await senders.bytes(input)).length > 0 ? `${input.via} answered` : `${input.via} closed`
    }
  }
}

function judgeHttp(input: OtlpInput, { status, headers, body }: HttpAnswer): string {
  const told = `${status} ${body.toString('utf8').slice(0, 300)}`
  if (input.sound && status !== 200 && status !== 429 && status !== 503)
    throw new Finding(`http refuses what is sound`, told)
  if (!HTTP_STATUSES.has(status)) throw new Finding(`http ${status}`, told)
  const isJson = headers['content-type']?.startsWith('application/json') ?? false
  if (status === 200 && isJson) JSON.parse(body.toString('utf8'))
  if (status === 400 || status === 429 || status === 503) {
    const rpc = isJson ? parseRpcStatusJson(body.toString('utf8')) : decodeRpcStatus(body)
    if (!rpc || rpc.message === '') throw new Finding(`http ${status} without a status`, told)
  }
  return `http ${status}`
}

function judgeGrpc(input: OtlpInput, answer: GrpcAnswer): string {
  if ('reset' in answer) throw new Finding(`grpc reset ${answer.reset}`, 'a stream without a status')
  const { status, message } = answer
  const told = `${status} ${message}`
  if (input.sound && status !== 0 && status !== 8 && status !== 14)
    throw new Finding('grpc refuses what is sound', told)
  if (!GRPC_STATUSES.has(status)) throw new Finding(`grpc ${status}`, told)
  return `grpc ${status}`
}

const CONNECTION_ERRORS = new Set([
  'ECONNRESET',
  'EPIPE',
  'ERR_HTTP2_GOAWAY_SESSION',
  'ERR_HTTP2_SESSION_ERROR',
  'ERR_HTTP2_INVALID_SESSION',
])

/** A kept connection may be closed just when it is used again; a new one is not. */
async function twice<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (thrown) {
    if (!CONNECTION_ERRORS.has((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown
    return await send()
  }
}
