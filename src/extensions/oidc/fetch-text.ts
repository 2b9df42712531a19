import { readFile } from 'node:fs/promises'
import { Agent, ProxyAgent, request } from 'undici'
import { proxyFor } from '../../plugin.ts'
import type { Clock } from '../../plugin.ts'

/** What an issuer may answer, in bytes; real ones answer some kilobytes. */
const MOST_BYTES = 1024 * 1024
/** For a whole answer, in milliseconds. */
const TIMEOUT = 5000

export interface FetchOptions {
  readonly clock: Clock
  readonly abort: AbortSignal
  /** File with authorities in PEM, instead of those of the system. */
  readonly authorities: string | undefined
}

/** The body of a page that is there. Rejects with a sentence. No connection is kept: this happens a few times an hour. */
export async function fetchText(url: URL, { clock, abort, authorities }: FetchOptions): Promise<string> {
  const late = new AbortController()
  const timer = clock.after(TIMEOUT, () => late.abort(new Error(`no answer within ${TIMEOUT / 1000}s`)))
  const tls = authorities === undefined ? {} : { ca: await readFile(authorities) }
  const proxy = proxyFor(url)
  const dispatcher = proxy ? new ProxyAgent({ uri: proxy.href, requestTls: tls }) : new Agent({ connect: tls })
  const signal = AbortSignal.any([late.signal, abort])
  try {
    const { statusCode, body } = await request(url, { dispatcher, signal, headers: { accept: 'application/json' } })
    // What is left of a body that is not read on is an error of the body alone.
    body.on('error', () => {})
    if (statusCode !== 200) throw new Error(`it answered ${statusCode}`)
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > MOST_BYTES) throw new Error(`its answer is longer than ${MOST_BYTES} bytes`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString()
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    timer.cancel()
    await dispatcher.destroy()
  }
}
