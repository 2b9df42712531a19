import { answerTo, encodeRpcStatus, HTTP_PATHS, Refused, retryAfter, startHttpServer } from '../../plugin.ts'
import type { HttpReply, HttpRequest, HttpServer, Origin, Signal } from '../../plugin.ts'
import type { Guard } from './guard.ts'
import type { Intake } from './intake.ts'
import type { HttpOptions } from './options.ts'

const PROTOBUF = 'application/x-protobuf'
/** An `Export…ServiceResponse` without a partial success has no bytes. */
const SUCCESS: HttpReply = { status: 200, headers: { 'Content-Type': PROTOBUF }, body: '' }

/** OTLP over HTTP: a path for each signal that the receiver has a pipeline for, the others are not found. */
export function serveHttp(
  options: HttpOptions,
  intake: Intake,
  { log, authenticator, rejected }: Guard,
): Promise<HttpServer> {
  const paths = new Map(intake.signals.map((signal) => [pathOf(signal, options), signal]))
  const handle = async (request: HttpRequest): Promise<HttpReply> => {
    const signal = paths.get(request.path)
    if (signal === undefined) return text(404, '404 page not found')
    if (request.method !== 'POST') return text(405, '405 method not allowed, supported: [POST]', { Allow: 'POST' })
    if (mediaType(request) !== PROTOBUF) return text(415, `415 unsupported media type, supported: [${PROTOBUF}]`)
    try {
      await take(request, signal, intake, options.include_metadata)
      return SUCCESS
    } catch (error) {
      if (!(error instanceof Refused)) log.error({ error }, 'Taking a request in failed')
      return refusal(Refused.from(error))
    }
  }
  const refuse = (_request: HttpRequest, refused: Refused): HttpReply => {
    rejected(refused)
    return refusal(refused)
  }
  return startHttpServer(options, { handle, log, authenticator, refuse })
}

async function take(request: HttpRequest, signal: Signal, intake: Intake, includeMetadata: boolean): Promise<void> {
  if (request.length === 0) return
  const first = await intake.room(signal, request.room(), request.abort)
  const body = await request.body(first, (bytes) => intake.reserve(signal, bytes))
  if (body.length === 0) return body.slab.release()
  await intake.take(signal, body, originOf(request, includeMetadata), request.abort)
}

function pathOf(signal: Signal, options: HttpOptions): string {
  const path = signal === 'profiles' ? HTTP_PATHS.profiles : options[`${signal}_url_path`]
  return path.startsWith('/') ? path : `/${path}`
}

const mediaType = ({ headers }: HttpRequest): string =>
  (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()

const text = (status: number, body: string, headers: Record<string, string> = {}): HttpReply => ({
  status,
  headers: { 'Content-Type': 'text/plain', ...headers },
  body,
})

/** The refusal in the request's own encoding: a google.rpc.Status. */
function refusal(refused: Refused): HttpReply {
  const { grpc, http, message, after } = answerTo(refused)
  return {
    status: http,
    headers: { 'Content-Type': PROTOBUF, ...(after !== undefined && { 'Retry-After': retryAfter(after) }) },
    body: encodeRpcStatus({ code: grpc, message, retryDelay: after }),
  }
}

const NO_METADATA: Origin['metadata'] = new Map()

const originOf = ({ metadata, peer, auth }: HttpRequest, includeMetadata: boolean): Origin => ({
  metadata: includeMetadata ? metadata : NO_METADATA,
  peer,
  transport: 'http',
  ...(auth && { auth }),
})
