import type { IncomingHttpHeaders } from 'node:http'

/**
 * Requests as senders of telemetry write them. What this does not read is not wrong: it is node:http's, which knows all of HTTP/1.1 and what
 * to answer to what is none. So nothing here guesses: a request is read only where there is one way to read it.
 */
export interface RequestHead {
  readonly path: string
  /** Without the `?`. */
  readonly query: string
  /** Keys in lower case, no key twice. */
  readonly headers: IncomingHttpHeaders
  /** Bytes of the body. */
  readonly length: number
}

const REQUEST_LINE = /^POST (\/[!-~]*) HTTP\/1\.1$/
/** As `fetch` and every library write it: a blank before the value and none behind it. */
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([!-~](?:[\t -~]*[!-~])?)$/
const LENGTH = /^(?:0|[1-9]\d{0,14})$/
const MOST_HEADERS = 64
/** They change how a message goes on or ends, or may come more than once. */
const SPECIAL = new Set([
  'transfer-encoding',
  'expect',
  'upgrade',
  'te',
  'trailer',
  'keep-alive',
  'proxy-connection',
  'set-cookie',
  '__proto__',
])

/** Reads what stands before the empty line; undefined where it is anything but a plain POST with a length. */
export function parsePlainPost(text: string): RequestHead | undefined {
  const lines = text.split('\r\n')
  const target = REQUEST_LINE.exec(lines[0]!)?.[1]
  if (target === undefined || lines.length > MOST_HEADERS) return undefined
  const headers: Record<string, string> = {}
  for (let index = 1; index < lines.length; index++) {
    const match = HEADER.exec(lines[index]!)
    if (!match) return undefined
    const name = match[1]!.toLowerCase()
    if (SPECIAL.has(name) || headers[name] !== undefined) return undefined
    headers[name] = match[2]!
  }
  const { host, connection, 'content-length': length } = headers
  if (host === undefined || length === undefined || !LENGTH.test(length)) return undefined
  if (connection !== undefined && connection.toLowerCase() !== 'keep-alive') return undefined
  const query = target.indexOf('?')
  return {
    path: query < 0 ? target : target.slice(0, query),
    query: query < 0 ? '' : target.slice(query + 1),
    headers,
    length: Number(length),
  }
}
