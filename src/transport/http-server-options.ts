import type { OptionFault } from '../component/definition.ts'
import {
  Block,
  ByteSize,
  Choice,
  Duration,
  Endpoint,
  Headers,
  Options,
  StringList,
  Type,
} from '../component/options.ts'
import type { Static } from '../component/options.ts'
import { httpServerAuth } from './auth-options.ts'
import { CODINGS } from './codings.ts'
import { listenAddress, TRANSPORTS } from './address.ts'
import { serverMiddlewares } from './middleware-options.ts'
import { checkHeaders, faultOf } from './option-faults.ts'
import { checkServerTls, serverTls } from './tls-options.ts'

/** Names of the Collector for what Telegen cannot inflate; a list may carry them, as the Collector's default does. */
const UNKNOWN_CODINGS = ['lz4']

/** The Collector's confighttp server: its keys, and its defaults but for what bounds a request in time and size. */
export const httpServerOptions = (endpoint: string) => ({
  endpoint: Endpoint({ default: endpoint, description: 'Address to listen on, or the path of a unix socket.' }),
  transport: Choice(TRANSPORTS, { default: 'tcp', description: 'What `endpoint` is an address of.' }),
  tls: serverTls(),
  cors: Type.Optional(
    Options(
      {
        allowed_origins: StringList({
          default: [],
          description: 'Origins of pages that may send; each may have one `*`. None when empty.',
        }),
        allowed_headers: StringList({
          default: [],
          description: 'Headers that such pages may set besides the usual ones; `*` for any.',
        }),
        exposed_headers: StringList({ default: [], description: 'Response headers that such pages may read.' }),
        max_age: Type.Integer({
          default: 0,
          minimum: 0,
          description: 'Seconds for which browsers may remember the permission.',
        }),
      },
      { description: 'Which pages in browsers may send here.' },
    ),
  ),
  max_request_body_size: ByteSize({
    default: '64MiB',
    description: 'Largest body, both as sent and once inflated; larger ones are answered 413. 0 means the default.',
  }),
  include_metadata: Type.Boolean({ default: false, description: 'Whether request headers go along with the data.' }),
  response_headers: Headers({ description: 'Headers to add to every response.' }),
  compression_algorithms: StringList({
    default: ['', 'gzip', 'zstd', 'zlib', 'snappy', 'deflate', 'x-snappy-framed'],
    description: 'Content encodings taken; the empty string is none.',
  }),
  read_timeout: Duration({
    default: '1m',
    description: 'How long a whole request may take to arrive; 0 means for ever.',
  }),
  read_header_timeout: Duration({ default: '1m', description: "How long a request's headers may take to arrive." }),
  write_timeout: Duration({
    default: '0s',
    description: 'How long a request may take from its last header to the end of the response; 0 means for ever.',
  }),
  idle_timeout: Duration({ default: '1m', description: 'How long a connection may wait for its next request.' }),
  keep_alives_enabled: Type.Boolean({
    default: true,
    description: 'Whether connections are kept for further requests.',
  }),
  max_connections: Type.Integer({
    default: 10_000,
    minimum: 1,
    description: 'Connections open at the same time; further ones are closed at once.',
  }),
  auth: httpServerAuth(),
  middlewares: serverMiddlewares(),
})

const httpServerSchema = Block(httpServerOptions(''), { description: '' })
export type HttpServerOptions = Static<typeof httpServerSchema>

export function* checkHttpServer(
  options: HttpServerOptions,
  path: readonly (string | number)[],
): Generator<OptionFault> {
  yield* faultOf([...path, 'endpoint'], () => listenAddress(options.endpoint, options.transport))
  yield* checkServerTls(options.tls, [...path, 'tls'])
  yield* checkHeaders(options.response_headers, [...path, 'response_headers'], 'http')
  for (const origin of options.cors?.allowed_origins ?? [])
    if (origin.split('*').length > 2)
      yield { path: [...path, 'cors', 'allowed_origins'], message: `"${origin}" has more than one *` }
  for (const coding of options.compression_algorithms)
    if (coding !== '' && !CODINGS.has(coding) && !UNKNOWN_CODINGS.includes(coding))
      yield {
        path: [...path, 'compression_algorithms'],
        message: `unsupported compression type "${coding}"`,
        hint: `known are ${[...CODINGS].join(', ')}`,
      }
}
