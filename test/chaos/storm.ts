import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, createServer, request } from 'node:http'
import type { Server } from 'node:http'
import { NumberedSpans, numbersIn } from './numbered-spans.ts'

/** A backend that counts each numbered span, and can go away and come back. */
export class Backend {
  readonly #port: number
  readonly #counts: Uint8Array
  #server: Server | undefined

  /** `spans`: the most that will be numbered. */
  constructor(port: number, spans: number) {
    this.#port = port
    this.#counts = new Uint8Array(spans)
  }

  async up(): Promise<void> {
    this.#server = createServer((incoming, reply) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        for (const number of numbersIn(Buffer.concat(chunks))) (this.#counts[number] as number)++
        reply.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
      })
    })
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /** Answers what it has received, then is gone: whatever is sent now meets a closed port. */
  async down(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    const closed = once(server, 'close')
    server.close()
    server.closeIdleConnections()
    const closing = setInterval(() => server.closeIdleConnections(), 10)
    await closed
    clearInterval(closing)
  }

  count(number: number): number {
    return this.#counts[number] as number
  }
}

/** Sends numbered spans at a steady rate to an OTLP/HTTP receiver, and notes how each request was answered. */
export class Load {
  /** First span numbers of requests that were answered 200. */
  readonly acknowledged: number[] = []
  /** Answers by status; `error` for none. */
  readonly answers = new Map<string, number>()
  /** Refusals that a sender would not send again, or could not time. */
  unretryable = 0
  readonly #spans: NumberedSpans
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })
  readonly #port: number
  #next = 0
  #open = 0

  constructor(port: number, perRequest: number) {
    this.#port = port
    this.#spans = new NumberedSpans(perRequest)
  }

  get perRequest(): number {
    return this.#spans.size
  }

  /** Spans numbered until now. */
  get issued(): number {
    return this.#next
  }

  /** Sends for `duration` milliseconds at `rate` spans a second, open loop: a slow answer does not slow the next request. */
  async run(duration: number, rate: number, everySecond?: () => void): Promise<void> {
    const began = performance.now()
    const first = this.#next
    let second = 1
    for (let elapsed = 0; elapsed < duration; elapsed = performance.now() - began) {
      while (this.#next - first < (elapsed / 1000) * rate) this.#send()
      if (elapsed > second * 1000) {
        second++
        everySecond?.()
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    while (this.#open > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(): void {
    const first = this.#next
    this.#next += this.#spans.size
    this.#open++
    const headers = { 'content-type': 'application/x-protobuf' }
    const outgoing = request(
      { port: this.#port, path: '/v1/traces', method: 'POST', agent: this.#agent, headers },
      (answer) => {
        answer.resume()
        answer.on('end', () => this.#answered(first, answer.statusCode as number, answer.headers['retry-after']))
      },
    )
    outgoing.on('error', () => this.#count('error'))
    outgoing.end(Buffer.from(this.#spans.from(first)))
  }

  #answered(first: number, status: number, retryAfter: string | undefined): void {
    if (status === 200) this.acknowledged.push(first)
    else if ((status !== 429 && status !== 503) || retryAfter === undefined) this.unretryable++
    this.#count(String(status))
  }

  #count(answer: string): void {
    this.#open--
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1)
  }
}

/** What became of all acknowledged spans at a backend. */
export function account(load: Load, backend: Backend) {
  let lost = 0
  let doubled = 0
  for (const first of load.acknowledged)
    for (let number = first; number < first + load.perRequest; number++) {
      const count = backend.count(number)
      if (count === 0) lost++
      else if (count > 1) doubled++
    }
  return { acknowledged: load.acknowledged.length * load.perRequest, lost, doubled }
}

/** Anonymous memory of a process, bytes. */
export function anonymousMemory(pid: number): number {
  const line = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1]) * 1024
}
