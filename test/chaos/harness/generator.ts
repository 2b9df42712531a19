import { serve } from './peer.ts'
import { NumberedRequests } from './records.ts'
import { Sender } from './generator-sender.ts'
import type { Answer } from './generator-sender.ts'

/**
 * Issues numbered records to an OTLP receiver and remembers which were acknowledged: a process of its own, so that nothing that happens to
 * Telegen or to its backend happens to this memory.
 */
export interface GeneratorOptions {
  readonly protocol: 'grpc' | 'http'
  readonly port: number
  /** Records of each request. */
  readonly size: number
  /** Bytes of filler in each record. */
  readonly filler?: number | undefined
  /** How long one request may take, milliseconds, as SDKs limit it. */
  readonly timeout?: number
  /** How long a request that was refused or not answered is sent again, milliseconds; 0 is never. */
  readonly retry?: number
  /** Every second request on a connection of its own, to notice a listener that is gone for a moment. HTTP only. */
  readonly reconnect?: boolean
  /** PEM of the authorities: TLS then. HTTP only. */
  readonly ca?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Ledger {
  /** Records of each request. */
  readonly size: number
  /** Requests issued. */
  readonly issued: number
  /** One byte a request: 1 where it was acknowledged. */
  readonly acknowledged: Uint8Array
  /** Attempts after the first of a request. */
  readonly resent: number
  /** Attempts by answer: a status, or the code of the error. */
  readonly answers: Readonly<Record<string, number>>
  /** Refusals that tell an SDK not to try again. */
  readonly permanent: number
  /** Requests that were not issued in time because so many were open. */
  readonly skipped: number
}

/** Requests under way at the same time. An SDK has one; these are many SDKs. */
const MAX_OPEN = 256
const TICK_MS = 5
const RETRY_WAIT_MS = 50

let options: GeneratorOptions
let requests: NumberedRequests
let sender: Sender
let acknowledged = new Uint8Array(1024)
let issued = 0
let open = 0
let resent = 0
let permanent = 0
let skipped = 0
let timer: NodeJS.Timeout | undefined
const answers = new Map<string, number>()

const service = {
  begin(given: GeneratorOptions): void {
    options = given
    requests = new NumberedRequests(options.size, options.filler)
    sender = new Sender(options)
  },
  /** From now on, `rate` records a second: a slow answer does not slow the next request, until `MAX_OPEN` are open. */
  start({ rate }: { rate: number }): void {
    clearInterval(timer)
    const began = performance.now()
    let due = 0
    timer = setInterval(() => {
      const wanted = Math.floor((((performance.now() - began) / 1000) * rate) / options.size)
      for (; due < wanted; due++)
        if (open < MAX_OPEN) void issue()
        else skipped++
    }, TICK_MS)
  },
  /** Issues no more; resolves when all that was issued is answered or given up. */
  async stop(): Promise<void> {
    clearInterval(timer)
    while (open > 0) await pause(TICK_MS)
  },
  /** One request more, again and again until it is acknowledged; resolves to its number, or -1 at the deadline. */
  async fresh({ patience }: { patience: number }): Promise<number> {
    const index = issued++
    const acknowledgedInTime = await persist(index, patience)
    return acknowledgedInTime ? index : -1
  },
  /** A request that is not sent again. */
  async once(): Promise<Answer & { index: number }> {
    const index = issued++
    return { ...(await attempt(index)), index }
  },
  progress: () => ({
    issued,
    open,
    acknowledged: acknowledged.subarray(0, issued).reduce((sum, each) => sum + each, 0),
  }),
  ledger(): Ledger {
    return {
      size: options.size,
      issued,
      acknowledged: acknowledged.slice(0, issued),
      resent,
      answers: Object.fromEntries(answers),
      permanent,
      skipped,
    }
  },
  /** Sends to another port from now on, on new connections. */
  redirect({ port }: { port: number }): void {
    sender.close()
    options = { ...options, port }
    sender = new Sender(options)
  },
}

export type Generator = typeof service

async function issue(): Promise<void> {
  const index = issued++
  open++
  await persist(index, options.retry ?? 0)
  open--
}

/** Whether it was acknowledged, by attempts until `patience` is over; a refusal for good ends them at once. */
async function persist(index: number, patience: number): Promise<boolean> {
  const end = performance.now() + patience
  for (let attempts = 1; ; attempts++) {
    const answer = await attempt(index)
    if (answer.kind === 'acknowledged') return true
    if (answer.kind === 'permanent' || performance.now() >= end) return false
    await pause(Math.min(RETRY_WAIT_MS * attempts, 1000))
    resent++
  }
}

async function attempt(index: number): Promise<Answer> {
  if (index >= acknowledged.length) {
    const longer = new Uint8Array(acknowledged.length * 2)
    longer.set(acknowledged)
    acknowledged = longer
  }
  const answer = await sender.send(requests.request(index), index)
  answers.set(answer.says, (answers.get(answer.says) ?? 0) + 1)
  if (answer.kind === 'acknowledged') acknowledged[index] = 1
  if (answer.kind === 'permanent') permanent++
  return answer
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

serve(service)
