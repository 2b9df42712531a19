import type { Random } from '../random.ts'

/** What happens on one connection, or to the ring that tells of it, in order. */
export type Step =
  /** A call moved these bytes, as latin1. */
  | { readonly do: 'in'; readonly bytes: string; readonly unread: boolean }
  | { readonly do: 'out'; readonly bytes: string; readonly unread: boolean }
  /** The last event was lost. */
  | { readonly do: 'lose' }
  /** An event of any type, with these bytes behind its header. */
  | { readonly do: 'event'; readonly type: number; readonly bytes: string }
  /** A byte of the last event is another. */
  | { readonly do: 'flip'; readonly at: number; readonly value: number }
  | { readonly do: 'close' }

export interface EbpfInput {
  readonly headBytes: number
  readonly steps: readonly Step[]
}

const MOST_STEPS = 40
/** Bases of the tracers' ranges in `bpf/include/event.h`. */
const RANGES = [0x100, 0x200, 0x300, 0x400]
const MOST_TYPES = 8
const PIECES = [
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /users/42?a=b HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\n\r\n',
  'HEAD http://me:secret@b/c HTTP/1.0\r\n\r\n',
  'CONNECT a:1 HTTP/1.1\r\n\r\n',
  'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
  'HTTP/1.0 404 Not Found\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  'HTTP/1.1 204 No Content\r\n\r\n',
  'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n',
  'hello',
  '5\r\nhello\r\n',
  '0\r\n\r\n',
  '\r\n',
]

export function makeEbpfInput(random: Random): EbpfInput {
  const steps = Array.from({ length: 1 + random.below(MOST_STEPS) }, () => step(random))
  return { headBytes: random.pick([16, 64, 1024, 4096]), steps }
}

function step(random: Random): Step {
  const kind = random.below(16)
  if (kind < 11) return { do: random.once(2) ? 'in' : 'out', bytes: bytes(random), unread: random.once(12) }
  if (kind < 13) return { do: 'event', type: type(random), bytes: random.bytes(random.below(400)).toString('latin1') }
  if (kind < 15) return { do: 'flip', at: random.below(160), value: random.below(256) }
  return { do: random.once(2) ? 'close' : 'lose' }
}

function bytes(random: Random): string {
  const pieces = Array.from({ length: 1 + random.below(3) }, () =>
    random.once(8) ? random.bytes(random.below(80)).toString('latin1') : random.pick(PIECES),
  )
  const text = pieces.join('')
  return random.once(3) ? text.slice(random.below(text.length)) : text
}

const type = (random: Random): number =>
  random.once(10) ? random.below(65_536) : random.pick(RANGES) + random.below(MOST_TYPES)

/** Fewer steps, then shorter ones. */
export function* smallerEbpfInputs(input: EbpfInput): Iterable<EbpfInput> {
  const { steps } = input
  for (let length = steps.length >> 1; length >= 1; length >>= 1)
    for (let at = 0; at < steps.length; at += length) yield { ...input, steps: steps.toSpliced(at, length) }
  for (const [index, each] of steps.entries())
    if ('bytes' in each && each.bytes.length > 1)
      yield { ...input, steps: steps.with(index, { ...each, bytes: each.bytes.slice(0, each.bytes.length >> 1) }) }
}
