import type { OptionFault } from '../component/definition.ts'
import { Block, Choice, Duration, Endpoint, Headers, Type } from '../component/options.ts'
import type { Static } from '../component/options.ts'
import { clientAuth } from './auth-options.ts'
import { checkLevel, compressionParams } from './compression-options.ts'
import { checkHeaders, faultOf, Ignored, unbuilt, Unbuilt } from './option-faults.ts'
import { BAD_CREDENTIALS, isDecodable, PERCENT } from './proxy.ts'
import { checkClientTls, clientTls } from './tls-options.ts'

export const COMPRESSIONS = ['gzip', 'zstd', 'snappy', 'x-snappy-framed', 'zlib', 'deflate', 'lz4', 'none', ''] as const
const UNBUILT_COMPRESSIONS: readonly string[] = ['lz4']
/** The Collector's confighttp client, without the `timeout`, which the sending options have. */
export const httpClientOptions = {
  endpoint: Type.Optional(Endpoint({ description: 'URL of the server, `http://` or `https://`.' })),
  proxy_url: Type.Optional(Type.String({ description: 'URL of an HTTP proxy to go through.' })),
  tls: clientTls(),
  headers: Headers({ description: 'Headers to send with every request.' }),
  compression: Choice(COMPRESSIONS, {
    default: 'gzip',
    description: 'How bodies are compressed; `none` costs the least where the net is near.',
  }),
  compression_params: compressionParams(),
  max_conns_per_host: Type.Integer({
    default: 0,
    minimum: 0,
    description: 'Connections at the same time; 0 means as many as there are requests.',
  }),
  idle_conn_timeout: Duration({
    default: '90s',
    description: 'When a connection without requests is closed; 0 means never.',
  }),
  disable_keep_alives: Type.Boolean({
    default: false,
    description: 'Whether each request has a connection of its own.',
  }),
  read_buffer_size: Ignored('Bytes of the read buffer.'),
  write_buffer_size: Ignored('Bytes of the write buffer.'),
  max_idle_conns: Ignored('Idle connections kept.'),
  max_idle_conns_per_host: Ignored('Idle connections kept for one host.'),
  force_attempt_http2: Ignored('Whether HTTP/2 is tried; requests are HTTP/1.1.'),
  http2_read_idle_timeout: Ignored('When an idle HTTP/2 connection is pinged.'),
  http2_ping_timeout: Ignored('How long such a ping may take.'),
  cookies: Unbuilt('Whether cookies are kept.'),
  auth: clientAuth(),
  middlewares: Unbuilt('Extensions that requests pass through.'),
}

const httpClientSchema = Block(httpClientOptions, { description: '' })
export type HttpClientOptions = Static<typeof httpClientSchema>

export function* checkHttpClient(
  options: HttpClientOptions,
  path: readonly (string | number)[] = [],
): Generator<OptionFault> {
  if (options.endpoint) yield* checkUrl(options.endpoint, [...path, 'endpoint'])
  if (options.proxy_url) yield* checkProxy(options.proxy_url, [...path, 'proxy_url'])
  yield* checkClientTls(options.tls, [...path, 'tls'])
  yield* checkHeaders(options.headers, [...path, 'headers'], 'http')
  const { compression } = options
  if (UNBUILT_COMPRESSIONS.includes(compression))
    yield {
      path: [...path, 'compression'],
      message: `compression ${compression} is not available yet`,
      hint: 'use gzip, zstd, snappy or none',
    }
  yield* checkLevel(options, path)
  yield* unbuilt(options, path, { middlewares: 'middlewares are' })
  if ((options.cookies as { enabled?: unknown } | null | undefined)?.enabled === true)
    yield { path: [...path, 'cookies'], message: 'cookies are not available yet' }
}

function* checkProxy(url: string, path: readonly (string | number)[]): Generator<OptionFault> {
  yield* checkUrl(url, path)
  if (URL.canParse(url) && !isDecodable(new URL(url))) yield { path, message: BAD_CREDENTIALS, hint: PERCENT }
}

/** A fault where `url` is not an absolute HTTP URL. */
export function* checkUrl(url: string, path: readonly (string | number)[]): Generator<OptionFault> {
  yield* faultOf(path, () => {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new Error(`"${url.replace(/[^/\s]*@/, '[REDACTED]@')}" is not a URL that begins with http:// or https://`)
  })
}
