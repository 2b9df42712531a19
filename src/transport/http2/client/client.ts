import type { ClientAuthenticator } from '../../../component/authentication.ts'
import { UNKNOWN_ORIGIN } from '../../../component/delivery.ts'
import type { Origin } from '../../../component/delivery.ts'
import { Refused } from '../../../component/refused.ts'
import { refusalOfAbort } from '../../abort.ts'
import { NO_AUTHENTICATOR } from '../../admission.ts'
import { authenticate } from '../../authenticate.ts'
import { levelOf } from '../../compression-options.ts'
import { grpcTarget } from '../../grpc-client-options.ts'
import type { GrpcClientOptions } from '../../grpc-client-options.ts'
import { parseHostPort } from '../../address.ts'
import { NotInflatable, TooLarge } from '../../inflate.ts'
import { compressMessage, inflateMessage, MESSAGE_CODINGS } from '../../message-codings.ts'
import { refusalOfGrpc } from '../../statuses.ts'
import { clientSecurity, reloadClientSecurity } from '../../tls.ts'
import type { CallOptions, MakeUnaryClient, Metadata, UnaryClient } from '../../unary.ts'
import type { HeaderField } from '../hpack/header-list.ts'
import { headerField } from '../hpack/header-list.ts'
import { RESPONSE_LIMIT } from './answer.ts'
import type { Message } from './answer.ts'
import { Call } from './call.ts'
import { Channel } from './channel.ts'
import { Deadlines } from './deadlines.ts'
import type { Dialing } from './dial.ts'
import { addedHeaders, RequestHeaders } from './headers.ts'
import { proxied } from './proxied.ts'
import { Resolver } from './resolver.ts'
import type { Address } from './resolver.ts'

/** As gRPC's own library for Go says it. */
const IN_THE_CLEAR =
  'grpc: the credentials require transport level security (use TLS: leave out `tls::insecure` and `http://`)'

/** `UnaryClient` over our own HTTP/2. */
export const makeHttp2Client: MakeUnaryClient = async (options, { authenticator, log } = {}) => {
  if (options.auth && !authenticator) throw new Error(NO_AUTHENTICATOR)
  const { target, secure } = grpcTarget(options.endpoint)
  const isSecure = secure ?? !(options.tls.insecure || target.startsWith('unix:'))
  if (authenticator?.confidential && !isSecure && !target.startsWith('unix:')) throw new Error(IN_THE_CLEAR)
  const security = isSecure ? await clientSecurity(options.tls) : undefined
  const server = addressOf(target)
  const proxy = server.kind === 'tcp' ? proxied(target.replace(/^dns:/, '')) : undefined
  const how: Dialing = { tunnel: proxy?.tunnel, host: server.kind === 'tcp' ? server.host : 'localhost', security }
  const authority = options.authority || security?.serverName || authorityOf(server, target)
  const client = new Http2Client(new Resolver(proxy?.address ?? server), how, options, authority, authenticator)
  if (security)
    client.onClose = reloadClientSecurity(
      options.tls,
      security,
      (renewed) => client.channel.renew({ ...how, security: renewed }),
      (error) => log?.error({ error: error.message }, 'The changed certificates cannot be used; the old ones stay'),
    )
  return client
}

function addressOf(target: string): Address {
  if (target.startsWith('unix:')) return { kind: 'unix', path: target.slice('unix:'.length) }
  return { kind: 'tcp', ...parseHostPort(target.replace(/^dns:/, '')) }
}

const authorityOf = (server: Address, target: string): string =>
  server.kind === 'unix' ? 'localhost' : target.replace(/^dns:/, '')

class Http2Client implements UnaryClient {
  onClose = () => {}
  readonly channel: Channel
  readonly #deadlines = new Deadlines()
  readonly #authenticator: ClientAuthenticator | undefined
  readonly #given: ReadonlyMap<string, string>
  readonly #coding: string
  readonly #level: number

  constructor(
    resolver: Resolver,
    how: Dialing,
    options: GrpcClientOptions,
    authority: string,
    authenticator: ClientAuthenticator | undefined,
  ) {
    const given = new Map<string, string>()
    for (const [name, value] of options.headers) given.set(name.toLowerCase(), value.reveal())
    this.#given = given
    this.#authenticator = authenticator
    this.#coding = MESSAGE_CODINGS.has(options.compression) ? options.compression : ''
    this.#level = levelOf(options)
    const { time, timeout, permit_without_stream: withoutCalls } = options.keepalive
    const headers = new RequestHeaders({
      scheme: how.security ? 'https' : 'http',
      authority,
      userAgent: options.user_agent ? `${options.user_agent} ${USER_AGENT}` : USER_AGENT,
      encoding: this.#coding,
      headers: authenticator ? [] : [...addedHeaders(given)],
    })
    const channelOptions = {
      headers,
      keepalive: { time, timeout, withoutCalls },
      balancer: options.balancer_name,
      waitForReady: options.wait_for_ready,
    }
    this.channel = new Channel(resolver, how, channelOptions, answer)
  }

  call(path: string, message: readonly Buffer[], options: CallOptions): Promise<Buffer> {
    const { timeout, abort } = options
    if (abort.aborted) return Promise.reject(refusalOfAbort(abort))
    const call = new Call({ path, message, timeout, abort }, this.#deadlines)
    if (options.metadata) call.headers = [...metadataHeaders(options.metadata)]
    if (this.#authenticator) void this.#authenticated(call, this.#authenticator, options.origin)
    else if (this.#coding === '') this.channel.start(call, call.began)
    else this.#compressed(call)
    return call.promise
  }

  async #authenticated(call: Call, authenticator: ClientAuthenticator, origin: Origin = UNKNOWN_ORIGIN): Promise<void> {
    const headers = new Map(this.#given)
    try {
      await authenticate(authenticator, headers, origin, 'grpc')
    } catch (error) {
      return call.end(Refused.from(error))
    }
    call.headers = [...addedHeaders(headers), ...call.headers]
    if (!call.isEnded) this.#compressed(call)
  }

  #compressed(call: Call): void {
    if (this.#coding === '' || isEmpty(call.message)) return this.#start(call)
    const release = call.hold()
    const compressed = compressMessage(call.message, this.#coding, this.#level)
    if (compressed instanceof Promise) {
      compressed
        .then(
          (bytes) => this.#startCompressed(call, bytes),
          (error: unknown) => call.end(Refused.from(error)),
        )
        .finally(release)
    } else {
      this.#startCompressed(call, compressed)
      release()
    }
  }

  #startCompressed(call: Call, compressed: Buffer): void {
    call.message = [compressed]
    call.isCompressed = true
    this.#start(call)
  }

  #start(call: Call): void {
    if (!call.isEnded) this.channel.start(call)
  }

  close(): void {
    this.onClose()
    this.channel.close()
  }
}

const USER_AGENT = 'telegen'

const isEmpty = (message: readonly Buffer[]): boolean => message.every(({ length }) => length === 0)

/** Values of `-bin` keys are base64 already. */
function* metadataHeaders(metadata: Metadata): Generator<HeaderField> {
  for (const [name, values] of metadata) for (const value of values) yield headerField(name, value, 'never')
}

/** What the server answered, inflated. */
function answer(call: Call, { bytes, coding }: Message): void {
  if (coding === undefined) return call.end(bytes)
  if (!MESSAGE_CODINGS.has(coding))
    return call.end(refusalOfGrpc(INTERNAL, `the server compressed its answer by ${JSON.stringify(coding)}`))
  try {
    const inflated = inflateMessage(bytes, coding, RESPONSE_LIMIT)
    if (inflated instanceof Promise)
      inflated.then(
        (whole) => call.end(whole),
        (error: unknown) => call.end(refusalOf(error)),
      )
    else call.end(inflated)
  } catch (error) {
    call.end(refusalOf(error))
  }
}

function refusalOf(error: unknown): Refused {
  if (error instanceof TooLarge)
    return refusalOfGrpc(
      RESOURCE_EXHAUSTED,
      `the answer inflates to a message larger than ${RESPONSE_LIMIT} bytes`,
      undefined,
      error,
    )
  if (!(error instanceof NotInflatable)) return Refused.from(error)
  return refusalOfGrpc(INTERNAL, `the answer cannot be inflated: ${error.message}`, undefined, error)
}

const RESOURCE_EXHAUSTED = 8
const INTERNAL = 13
