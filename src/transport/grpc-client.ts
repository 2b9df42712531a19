import * as grpc from '@grpc/grpc-js'
import type { ClientAuthenticator } from '../component/authentication.ts'
import type { Abort } from '../component/cancellation.ts'
import { UNKNOWN_ORIGIN } from '../component/delivery.ts'
import type { Origin } from '../component/delivery.ts'
import type { Refused } from '../component/refused.ts'
import { NO_AUTHENTICATOR } from './admission.ts'
import { authenticate } from './authenticate.ts'
import { levelOf } from './compression-options.ts'
import type { GrpcClientOptions } from './grpc-client-options.ts'
import { grpcTarget } from './grpc-client-options.ts'
import type { CallOptions, MakeUnaryClient, UnaryClient } from './unary.ts'
import { refusalOfAbort } from './abort.ts'
import { teachClient } from './grpc-codings.ts'
import { MESSAGE_CODINGS } from './message-codings.ts'
import { proxyFor } from './proxy.ts'
import { refusalOfGrpc } from './statuses.ts'
import { clientSecurity, reloadClientSecurity } from './tls.ts'
import type { ClientSecurity } from './tls.ts'

/** Responses carry a partial success and its reason; OTLP 1.11 recommends clients to take 4 MiB. */
const RESPONSE_LIMIT = 4 * 2 ** 20
/** Below the longest wait of the sending layer, which sets the pace: a request fails at once while a connection must not be tried. */
const MAX_RECONNECT_BACKOFF = 3_000
/** How long a connection may take to come about, in milliseconds: most of what a request may take, within these bounds. */
const CONNECT_LIMITS = { least: 4_000, most: 20_000, share: 0.8 }

/** `UnaryClient` over @grpc/grpc-js. */
export const makeGrpcClient: MakeUnaryClient = async (options, { authenticator, log } = {}) => {
  if (options.auth && !authenticator) throw new Error(NO_AUTHENTICATOR)
  const { target, secure } = grpcTarget(options.endpoint)
  const isSecure = secure ?? !(options.tls.insecure || target.startsWith('unix:'))
  if (authenticator?.confidential && !isSecure && !target.startsWith('unix:')) throw new Error(IN_THE_CLEAR)
  const security = isSecure ? await clientSecurity(options.tls) : undefined
  const client = new GrpcClient(() => clientOf(target, options, security), options, authenticator)
  if (security)
    client.onClose = reloadClientSecurity(
      options.tls,
      security,
      (renewed) => client.renew(() => clientOf(target, options, renewed)),
      (error) => log?.error({ error: error.message }, 'The changed certificates cannot be used; the old ones stay'),
    )
  return client
}

function clientOf(target: string, options: GrpcClientOptions, security: ClientSecurity | undefined): grpc.Client {
  const credentials = security
    ? grpc.credentials.createFromSecureContext(security.context, { rejectUnauthorized: security.rejectUnauthorized })
    : grpc.credentials.createInsecure()
  const proxy = proxyOf(target)
  const client = new grpc.Client(proxy?.target ?? target, credentials, {
    ...proxy?.options,
    ...channelOptions(options, security?.serverName),
  })
  if (MESSAGE_CODINGS.has(options.compression))
    teachClient(client, options.compression, levelOf(options), RESPONSE_LIMIT)
  return client
}

/**
 * How to reach `target` where the environment names a proxy for it. grpc-js reads other variables, by other rules, than the
 * Collector: it is told what to do instead.
 */
function proxyOf(target: string): { readonly target: string; readonly options: grpc.ChannelOptions } | undefined {
  const address = target.replace(/^dns:/, '')
  const proxy = target.startsWith('dns:') ? proxyFor(new URL(`https://${address}`)) : undefined
  if (proxy === undefined) return undefined
  if (proxy.protocol !== 'http:')
    throw new Error(`the environment names a ${proxy.protocol}// proxy: gRPC can go through http:// ones alone`)
  const credentials = [proxy.username, proxy.password].map(decodeURIComponent).join(':')
  return {
    target: `dns:${proxy.hostname}:${proxy.port || '80'}`,
    options: {
      'grpc.http_connect_target': target,
      ...(proxy.username && { 'grpc.http_connect_creds': credentials }),
      'grpc.default_authority': address,
    },
  }
}

/** As gRPC's own library for Go says it. */
const IN_THE_CLEAR =
  'grpc: the credentials require transport level security (use TLS: leave out `tls::insecure` and `http://`)'

function channelOptions(options: GrpcClientOptions, serverName: string | undefined): grpc.ChannelOptions {
  const { keepalive } = options
  return {
    'grpc.max_receive_message_length': RESPONSE_LIMIT,
    'grpc.max_send_message_length': -1,
    // Retrying is the sending layer's; grpc-js would keep a copy of each message for it.
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
    // A client that is made anew has connections of its own.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_http_proxy': 0,
    'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_BACKOFF,
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ [options.balancer_name]: {} }] }),
    'grpc.keepalive_time_ms': keepalive.time,
    'grpc.keepalive_timeout_ms': keepalive.timeout,
    'grpc.keepalive_permit_without_calls': keepalive.permit_without_stream ? 1 : 0,
    ...(options.user_agent && { 'grpc.primary_user_agent': options.user_agent }),
    ...(options.authority && { 'grpc.default_authority': options.authority }),
    ...(serverName && {
      'grpc.ssl_target_name_override': serverName,
      'grpc.default_authority': options.authority || serverName,
    }),
  }
}

class GrpcClient implements UnaryClient {
  onClose = () => {}
  #make: () => grpc.Client
  #client: grpc.Client
  /** When the server was last heard of. */
  #heard = -Infinity
  /** Looks whether the connection has come about. */
  #patience: NodeJS.Timeout | undefined
  #isClosed = false
  readonly #options: GrpcClientOptions
  readonly #authenticator: ClientAuthenticator | undefined

  constructor(make: () => grpc.Client, options: GrpcClientOptions, authenticator: ClientAuthenticator | undefined) {
    this.#make = make
    this.#client = make()
    this.#options = options
    this.#authenticator = authenticator
  }

  async call(path: string, message: readonly Buffer[], options: CallOptions): Promise<Buffer> {
    const { timeout, abort, origin } = options
    const sent = await this.#metadata(options.metadata, origin)
    if (abort.aborted) throw refusalOfAbort(abort)
    // grpc-js compresses and queues the message at its own pace, and gives no sign when it is done: it gets a copy.
    const bytes = Buffer.concat(message)
    const deadline = timeout > 0 ? { deadline: Date.now() + timeout } : {}
    const began = performance.now()
    for (let tries = 1; ; tries++) {
      const client = this.#client
      this.#expectConnection(timeout)
      try {
        const answer = await this.#once(path, bytes, sent, deadline, abort)
        this.#heard = performance.now()
        return answer
      } catch (error) {
        const refused = error as grpc.ServiceError
        const isOverdue = refused.details === NEVER_CONNECTED && !this.#isClosed
        if (!isOverdue) this.#doubt(client, began, refused)
        if (abort.aborted) throw refusalOfAbort(abort)
        if (!isOverdue && (refused.details !== NOT_BEGUN || tries === MOST_TRIES)) throw refusalOf(refused)
      }
    }
  }

  #once(path: string, bytes: Buffer, sent: grpc.Metadata, deadline: grpc.CallOptions, abort: Abort): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest<Buffer, Buffer>(
        path,
        same,
        same,
        bytes,
        sent,
        deadline,
        (error, answer) => {
          abort.removeEventListener('abort', cancel)
          if (error) reject(error)
          else resolve(answer as Buffer)
        },
      )
      const cancel = () => call.cancel()
      abort.addEventListener('abort', cancel, { once: true })
    })
  }

  async #metadata(more: CallOptions['metadata'], origin: Origin = UNKNOWN_ORIGIN): Promise<grpc.Metadata> {
    const metadata = new grpc.Metadata({ waitForReady: this.#options.wait_for_ready })
    const headers = new Map<string, string>()
    for (const [name, value] of this.#options.headers) headers.set(name.toLowerCase(), value.reveal())
    if (this.#authenticator) await authenticate(this.#authenticator, headers, origin, 'grpc')
    for (const [name, value] of headers) metadata.set(name, name.endsWith('-bin') ? Buffer.from(value) : value)
    for (const [name, values] of more ?? []) for (const value of values) metadata.add(name, value)
    return metadata
  }

  /**
   * A server of which nothing was heard all the while may be gone without a word, and its connection take request after request for a
   * quarter of an hour (keepalive pings begin after a silence that is longer than most requests may take). The next goes by a new one.
   * What is still connecting goes on with that.
   */
  #doubt(client: grpc.Client, began: number, { code }: grpc.ServiceError): void {
    if (code !== grpc.status.DEADLINE_EXCEEDED && code !== grpc.status.CANCELLED) this.#heard = performance.now()
    else if (this.#heard < began && client === this.#client && !this.#isClosed && isConnected(client))
      this.renew(this.#make)
  }

  /**
   * Who takes a connection may be gone without a word before HTTP/2 begins, and grpc-js would wait for it for ever: after a while another
   * one is made, and what waits goes by that.
   */
  #expectConnection(timeout: number): void {
    const client = this.#client
    if (this.#patience !== undefined || isConnected(client)) return
    const { least, most, share } = CONNECT_LIMITS
    const limit = timeout > 0 ? Math.min(Math.max(timeout * share, least), most) : most
    this.#patience = setTimeout(() => {
      this.#patience = undefined
      if (client === this.#client && stateOf(client) === grpc.connectivityState.CONNECTING) this.renew(this.#make)
    }, limit).unref()
  }

  /** Requests from now on go by a client made so; those under way are still answered. */
  renew(make: () => grpc.Client): void {
    clearTimeout(this.#patience)
    this.#patience = undefined
    this.#client.close()
    this.#make = make
    this.#client = make()
  }

  close(): void {
    this.onClose()
    this.#isClosed = true
    clearTimeout(this.#patience)
    this.#client.close()
  }
}

const stateOf = (client: grpc.Client): grpc.connectivityState => client.getChannel().getConnectivityState(false)
const isConnected = (client: grpc.Client): boolean => stateOf(client) === grpc.connectivityState.READY

/**
 * grpc-js's words for a request that its server has not begun with, as when it is told to go while the request is on its way: gRPC
 * lets clients try such a one again at once (https://grpc.io/docs/guides/retry/#transparent-retry).
 */
const NOT_BEGUN = 'Stream refused by server'
const MOST_TRIES = 3
/** grpc-js's words for a request whose client was closed before there was a connection. */
const NEVER_CONNECTED = 'Channel closed before call started'

const same = (bytes: Buffer): Buffer => bytes

function refusalOf(error: grpc.ServiceError): Refused {
  const [details] = error.metadata?.get('grpc-status-details-bin') ?? []
  return refusalOfGrpc(error.code, error.details, Buffer.isBuffer(details) ? details : undefined, error)
}
