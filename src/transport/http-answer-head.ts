import { isHttpHeader } from './option-faults.ts'

/** What a server sends is no answer of HTTP/1.1. */
export class BadAnswer extends Error {
  constructor(reason: string) {
    super(`the answer is not HTTP/1.1: ${reason}`)
    this.name = 'BadAnswer'
  }
}

/** How a body ends (RFC 9112, 6.3). */
export type Framing =
  { readonly kind: 'length'; readonly bytes: number } | { readonly kind: 'chunked' } | { readonly kind: 'close' }

export interface AnswerHead {
  readonly status: number
  /** Keys in lower case; a header that came more than once is joined by `, `. */
  readonly headers: ReadonlyMap<string, string>
  readonly framing: Framing
  /** Whether the connection takes another request. */
  readonly isKept: boolean
  /** Milliseconds that the server keeps the connection without one, where it says so. */
  readonly idle: number | undefined
}

const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: [^\r\n]*)?$/
const LENGTH = /^\d{1,15}$/
const IDLE = /(?:^|[\s,;])timeout\s*=\s*(\d{1,9})/i
const SWITCHING_PROTOCOLS = 101
const [NO_CONTENT, NOT_MODIFIED] = [204, 304]

/** Reads a status line and headers, without the empty line behind them. Throws `BadAnswer`. */
export function parseHead(text: string): AnswerHead {
  const lines = text.split('\r\n')
  const [, minor, digits] = STATUS_LINE.exec(lines[0]!) ?? []
  if (digits === undefined) throw new BadAnswer('no status line')
  const status = Number(digits)
  if (status < 100 || status === SWITCHING_PROTOCOLS) throw new BadAnswer(`status ${status}`)
  const headers = headersOf(lines)
  const framing = framingOf(status, headers)
  const options = (headers.get('connection') ?? '').toLowerCase().split(/[\s,]+/)
  const isKept =
    framing.kind !== 'close' && !options.includes('close') && (minor === '1' || options.includes('keep-alive'))
  const [, seconds] = IDLE.exec(headers.get('keep-alive') ?? '') ?? []
  return { status, headers, framing, isKept, idle: seconds === undefined ? undefined : Number(seconds) * 1000 }
}

function headersOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).toLowerCase()
    const value = line.slice(colon + 1).trim()
    // A line that goes on (`obs-fold`) begins with a blank, and that is no name either.
    if (!isHttpHeader(name, value)) throw new BadAnswer('a malformed header')
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return headers
}

function framingOf(status: number, headers: ReadonlyMap<string, string>): Framing {
  if (status < 200 || status === NO_CONTENT || status === NOT_MODIFIED) return { kind: 'length', bytes: 0 }
  const [coding, length] = [headers.get('transfer-encoding'), headers.get('content-length')]
  if (coding !== undefined) {
    // Two ways to say where it ends are how answers are smuggled into one another.
    if (coding.toLowerCase() !== 'chunked' || length !== undefined) throw new BadAnswer('an unknown transfer encoding')
    return { kind: 'chunked' }
  }
  if (length === undefined) return { kind: 'close' }
  const [first = '', ...more] = length.split(/\s*,\s*/)
  if (!LENGTH.test(first) || more.some((other) => other !== first)) throw new BadAnswer('a malformed length')
  return { kind: 'length', bytes: Number(first) }
}
