import { MAX_TEXT_LENGTH } from '../yaml/read.ts'
import { printableUrl } from './url.ts'

/** How long one document may take, redirects included, in milliseconds. */
export const FETCH_TIMEOUT = 10_000
/** Redirects that are followed for one document. */
export const MAX_REDIRECTS = 5

/** What became of an address: its text, or why there is none. */
export type Fetched =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'failed'
      readonly code: string
      readonly message: string
      readonly hint?: string
    }

/**
 * Gets a document over HTTP, or HTTPS with the server's certificate verified. Nothing is thrown: sentences are the Collector's,
 * with the address as it may be printed.
 */
export async function fetchDocument(address: string, timeout = FETCH_TIMEOUT): Promise<Fetched> {
  const shown = JSON.stringify(printableUrl(address))
  if (!URL.canParse(address)) return failed('invalid_uri', `invalid uri ${shown}`)
  try {
    const response = await followed(address, AbortSignal.timeout(timeout))
    if (response.status !== 200) {
      await response.body?.cancel()
      const message = `failed to load resource from uri ${shown}. status code: ${response.status}`
      return failed('http_status', message, STATUS_HINTS.get(response.status))
    }
    const text = await bounded(response)
    if (text !== undefined) return { kind: 'text', text }
    return failed('too_long', `fail to read the response body from uri ${shown}: longer than ${MAX_TEXT_LENGTH} bytes`)
  } catch (thrown) {
    const { reason, hint } = explained(thrown, timeout)
    return failed('unreachable', `unable to download the file via HTTP GET for uri ${shown}: ${reason}`, hint)
  }
}

const failed = (code: string, message: string, hint?: string): Fetched => ({
  kind: 'failed',
  code,
  message,
  ...(hint !== undefined && { hint }),
})

/** The answer at the end of the redirects. From https none leads to plain http, where anybody could change it. */
async function followed(address: string, signal: AbortSignal): Promise<Response> {
  let url = new URL(address)
  let authorization = credentials(url)
  for (let count = 0; count <= MAX_REDIRECTS; count++) {
    const headers = authorization === undefined ? {} : { authorization }
    const response = await fetch(bare(url), { redirect: 'manual', signal, headers })
    const location = REDIRECTS.has(response.status) ? response.headers.get('location') : null
    if (location === null) return response
    await response.body?.cancel()
    const next = new URL(location, url)
    if (next.protocol !== 'https:' && (url.protocol === 'https:' || next.protocol !== 'http:'))
      throw new Error(`redirected from ${url.protocol}// to ${next.protocol}//, which is not followed`)
    if (next.origin !== url.origin) authorization = credentials(next)
    url = next
  }
  throw new Error(`stopped after ${MAX_REDIRECTS} redirects`)
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** `user:password@` becomes a header, as browsers and the Collector do. */
function credentials({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`
}

function bare(url: URL): URL {
  const result = new URL(url)
  result.username = ''
  result.password = ''
  return result
}

/** Undefined where it is too long, counted as it is unpacked. */
async function bounded({ body }: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > MAX_TEXT_LENGTH) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const STATUS_HINTS = new Map([
  [401, 'it asks for a user: https://user:password@host/…'],
  [403, 'the server knows the file and does not give it to this user'],
  [404, 'there is nothing at that path'],
])

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

function explained(thrown: unknown, timeout: number): { readonly reason: string; readonly hint?: string } {
  const { name, message, cause } = thrown as Error
  if (name === 'TimeoutError') return { reason: `no answer within ${timeout / 1000} s` }
  const first = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause
  if (!(first instanceof Error)) return { reason: message }
  const { code = '' } = first as NodeJS.ErrnoException
  const reason = first.message === '' ? code : first.message
  if (!UNTRUSTED.has(code)) return { reason }
  return { reason, hint: 'trust the CA that signed it: NODE_EXTRA_CA_CERTS=ca.pem' }
}
