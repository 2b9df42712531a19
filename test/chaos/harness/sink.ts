import { serve } from './peer.ts'
import { Book } from './sink-book.ts'
import { openGrpc } from './sink-grpc.ts'
import { openHttp } from './sink-http.ts'
import type { Listener, Reply, Verdict } from './sink-verdict.ts'

/**
 * The backend: takes OTLP over HTTP and gRPC with nothing but Node, answers as it is told to, and records what it took. It is never
 * killed, so what it recorded stays.
 */
export type Behaviour =
  | { readonly kind: 'ok' }
  /** Never answers, and records nothing. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'slow'; readonly delay: number }
  /**
   * `status`: HTTP's; gRPC gets its like. When to come again: `retryAfter` as the header says it, `retryDate` as a date this many seconds ahead,
   * `retryInfo` as gRPC says it.
   */
  | {
      readonly kind: 'refuse'
      readonly status: number
      readonly retryAfter?: string
      readonly retryDate?: number
      readonly retryInfo?: number
    }
  /** Takes all but the first `rejected` records of a request, and says so. */
  | { readonly kind: 'partial'; readonly rejected: number }
  /** Takes all, and resets the connection instead of answering. */
  | { readonly kind: 'reset' }
  /** 400 to requests that hold a record whose number is a multiple of this. */
  | { readonly kind: 'poison'; readonly every: number }

export interface SinkLedger {
  /** How many times each record was taken, by its number; 255 is that often or more. */
  readonly counts: Uint8Array
  /** Numbers that were refused for good. */
  readonly rejected: readonly number[]
  readonly altered: number
  readonly foreign: number
  /** Records taken in requests whose answer was held back: whoever sent them must send them again. */
  readonly unanswered: number
  /** Requests that met each behaviour. */
  readonly struck: Readonly<Record<string, number>>
  /** Values of the header `x-chaos` that came. */
  readonly marks: readonly string[]
  /** Milliseconds between a refusal that told when to come back, and the next request. */
  readonly returns: readonly number[]
}

const book = new Book()
let behaviour: Behaviour = { kind: 'ok' }
let times = Infinity
let listeners: Listener[] = []
let ports: { http: number; grpc: number }

const service = {
  async open(where: { http: number; grpc: number }): Promise<void> {
    ports = where
    await service.up()
  },
  async up(): Promise<void> {
    listeners = await Promise.all([openHttp(ports.http, judge), openGrpc(ports.grpc, judge)])
  },
  /** Gone: the ports are closed, and connections too, once what was taken is answered. */
  async down(): Promise<void> {
    await Promise.all(listeners.map((listener) => listener.close()))
    listeners = []
  },
  /** From now on, for the next `count` requests or for all. */
  behave({ as, count = Infinity }: { as: Behaviour; count?: number }): void {
    behaviour = as
    times = count
  },
  struck: (): Readonly<Record<string, number>> => Object.fromEntries(book.struck),
  taken: () => book.taken,
  /** How many records of acknowledged requests have neither come nor been refused for good. */
  missing: ({ size, acknowledged }: { size: number; acknowledged: Uint8Array }) => book.missing(size, acknowledged),
  marks: (): readonly string[] => [...book.marks],
  has: ({ first, size }: { first: number; size: number }) => book.has(first, size),
  ledger: (): SinkLedger => book.ledger(),
}

export type Sink = typeof service

/** What becomes of a request, and how it is answered. */
function judge(request: Buffer, mark: string | undefined): Verdict {
  if (mark !== undefined) book.marks.add(mark)
  const current: Behaviour = times > 0 ? behaviour : { kind: 'ok' }
  times--
  book.strike(current.kind)
  switch (current.kind) {
    case 'ok':
      return { reply: book.take(request), left: () => book.left(request) }
    case 'slow':
      return { reply: book.take(request), delay: current.delay, left: () => book.left(request) }
    case 'hang':
      return { reply: undefined }
    case 'reset':
      book.take(request, { answered: false })
      return { reply: 'reset' }
    case 'refuse':
      if ((current.retryAfter ?? current.retryDate ?? current.retryInfo) !== undefined) book.turnedAway()
      if (current.status < 429) book.reject(request)
      return { reply: { ...refusal(current), rejected: 0 } satisfies Reply }
    case 'partial':
      return { reply: book.take(request, { reject: current.rejected }), left: () => book.left(request) }
    case 'poison':
      return { reply: book.poisoned(request, current.every) ? book.reject(request) : book.take(request) }
  }
}

/** A date has whole seconds: the next one. */
function refusal({ retryDate, ...current }: Extract<Behaviour, { kind: 'refuse' }>): Omit<Reply, 'rejected'> {
  if (retryDate === undefined) return current
  return { ...current, retryAfter: new Date((Math.ceil(Date.now() / 1_000) + retryDate) * 1_000).toUTCString() }
}

serve(service)
