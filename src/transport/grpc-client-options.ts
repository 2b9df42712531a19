import type { OptionFault } from '../component/definition.ts'
import { Block, Choice, Duration, Endpoint, Headers, Type } from '../component/options.ts'
import type { Static } from '../component/options.ts'
import { clientAuth } from './auth-options.ts'
import { parseHostPort } from './address.ts'
import { checkLevel, compressionParams } from './compression-options.ts'
import { checkHeaders, faultOf, Ignored, unbuilt, Unbuilt } from './option-faults.ts'
import { checkClientTls, clientTls } from './tls-options.ts'

const BALANCERS: readonly string[] = ['round_robin', 'pick_first']

/** The Collector's configgrpc client, without the `timeout`, which the sending options have. */
export const grpcClientOptions = {
  endpoint: Endpoint({
    default: '',
    description:
      'Server, `host:port`; `http://` before it means plaintext, `https://` TLS, `unix://` a socket, `dns:///` a name with many addresses.',
  }),
  tls: clientTls(),
  compression: Choice(['gzip', 'snappy', 'zstd', 'deflate', 'none', ''], {
    default: 'gzip',
    description: 'How messages are compressed; `none` costs the least where the net is near.',
  }),
  compression_params: compressionParams(),
  headers: Headers({ description: 'Metadata to send with every request.' }),
  keepalive: Block(
    {
      time: Duration({ default: '10s', description: 'When to ping a server that is silent.' }),
      timeout: Duration({ default: '10s', description: 'How long it may take to answer a ping.' }),
      permit_without_stream: Type.Boolean({
        default: false,
        description: 'Whether to ping while no request is under way.',
      }),
    },
    { description: 'How dead connections are noticed.' },
  ),
  wait_for_ready: Type.Boolean({
    default: false,
    description: 'Whether a request waits for a connection instead of failing when there is none.',
  }),
  balancer_name: Type.String({
    default: 'round_robin',
    description: 'How requests are spread over addresses: round_robin or pick_first.',
  }),
  transport: Choice(['http2', 'grpc_js'], {
    default: 'http2',
    description:
      "What speaks gRPC: Telegen's own HTTP/2, or the library @grpc/grpc-js, which costs several times the CPU.",
  }),
  authority: Type.String({ default: '', description: 'The :authority of requests, where it is not the endpoint.' }),
  user_agent: Type.String({ default: '', description: 'Put before the user agent of requests.' }),
  read_buffer_size: Ignored('Bytes of the read buffer.'),
  write_buffer_size: Ignored('Bytes of the write buffer.'),
  auth: clientAuth(),
  middlewares: Unbuilt('Extensions that requests pass through.'),
}

const grpcClientSchema = Block(grpcClientOptions, { description: '' })
export type GrpcClientOptions = Static<typeof grpcClientSchema>

export function* checkGrpcClient(
  options: GrpcClientOptions,
  path: readonly (string | number)[] = [],
): Generator<OptionFault> {
  yield* faultOf([...path, 'endpoint'], () => grpcTarget(options.endpoint))
  yield* checkClientTls(options.tls, [...path, 'tls'])
  yield* checkHeaders(options.headers, [...path, 'headers'], 'grpc')
  yield* checkLevel(options, path)
  if (!BALANCERS.includes(options.balancer_name))
    yield {
      path: [...path, 'balancer_name'],
      message: `invalid balancer_name: ${options.balancer_name}`,
      hint: `known are ${BALANCERS.join(', ')}`,
    }
  yield* unbuilt(options, path, { middlewares: 'middlewares are' })
}

export interface GrpcTarget {
  /** As gRPC names servers: `dns:host:port`, `unix:/run/x.sock`. */
  readonly target: string
  /** What a scheme says of TLS; undefined where there is none. */
  readonly secure: boolean | undefined
}

/** Reads an `endpoint`. Throws the Collector's sentence where it is none. */
export function grpcTarget(endpoint: string): GrpcTarget {
  if (endpoint.startsWith('unix:')) {
    const path = endpoint.replace(/^unix:(\/\/)?/, '')
    if (path === '') throw new Error('unix socket path cannot be empty')
    return { target: `unix:${path}`, secure: undefined }
  }
  const secure = /^https:\/\//i.test(endpoint) ? true : /^http:\/\//i.test(endpoint) ? false : undefined
  const address = endpoint.replace(/^(https?:\/\/|dns:(\/\/[^/]*\/)?|passthrough:\/\/\/)/i, '').replace(/\/$/, '')
  if (address === '') throw new Error('requires a non-empty "endpoint"')
  const { host } = parseHostPort(address)
  return { target: `dns:${host === '' ? `localhost${address}` : address}`, secure }
}
