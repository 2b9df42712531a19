import { answerTo, HTTP_PATHS, Refused, retryAfter, startHttpServer } from '../../plugin.ts'
import type { HttpReply, HttpRequest, HttpServer, Origin, Signal, Slab } from '../../plugin.ts'
import { type Encoding, ENCODINGS, JSON, PROTOBUF } from './encoding.ts'
import type { Guard } from './guard.ts'
import type { Intake } from './intake.ts'
import type { HttpOptions } from './options.ts'

/** OTLP over HTTP: a path for each signal that the receiver has a pipeline for, the others are not found. */
export function serveHttp(
  options: HttpOptions,
  intake: Intake,
  { log, authenticator, limiter, rejected }: Guard,
): Promise<HttpServer> {
  const paths = new Map(intake.signals.map((signal) => [pathOf(signal, options), signal]))
  const handle = async (request: HttpRequest): Promise<HttpReply> => {
    const signal = paths.get(request.path)
    if (signal === undefined) return text(404, '404 page not found\n', { 'Content-Type': 'text/plain; charset=utf-8' })
    if (request.method !== 'POST') return text(405, '405 method not allowed, supported: [POST]', { Allow: 'POST' })
    const encoding = ENCODINGS.get(mediaType(request))
    if (encoding === undefined) return text(415, `415 unsupported media type, supported: [${MEDIA_TYPES}]`)
    try {
      const counted = (items: number) => limiter?.took(request, { items })
      await take(request, signal, encoding, intake, options.include_metadata, counted)
      return SUCCESS.get(encoding)!
    } catch (error) {
      if (!(error instanceof Refused)) log.error({ error }, 'Taking a request in failed')
      return refusal(Refused.from(error), encoding)
    }
  }
  const refuse = (request: HttpRequest, refused: Refused): HttpReply => {
    rejected(refused)
    return refusal(refused, mediaType(request) === PROTOBUF.mediaType ? PROTOBUF : JSON)
  }
  return startHttpServer(options, { handle, log, authenticator, limiter, refuse, onRejected: rejected })
}

const MEDIA_TYPES = [...ENCODINGS.keys()].join(', ')

/** The same object again and again is written once. */
const SUCCESS: ReadonlyMap<Encoding, HttpReply> = new Map(
  [...ENCODINGS.values()].map((encoding) => [
    encoding,
    { status: 200, headers: { 'Content-Type': encoding.mediaType }, body: encoding.success },
  ]),
)

async function take(
  request: HttpRequest,
  signal: Signal,
  encoding: Encoding,
  intake: Intake,
  includeMetadata: boolean,
  counted: (items: number) => void,
): Promise<void> {
  // Nothing at all is an empty request in protobuf, and none in JSON.
  if (request.length === 0 && encoding === PROTOBUF) return
  const reserve = (bytes: number): Slab => intake.reserve(signal, bytes)
  const room = request.room()
  const first = intake.waits(signal)
    ? await intake.room(signal, room, request.length, request.abort)
    : intake.roomNow(signal, room, request.length ?? room)
  const wire = encoding.wire(signal, await request.body(first, reserve), reserve)
  if (wire.length === 0) return wire.slab.release()
  await intake.take(signal, wire, originOf(request, includeMetadata), request, counted)
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

/** A refusal: a google.rpc.Status. */
function refusal(refused: Refused, encoding: Encoding): HttpReply {
  const { grpc, http, message, after } = answerTo(refused)
  return {
    status: http,
    headers: { 'Content-Type': encoding.mediaType, ...(after !== undefined && { 'Retry-After': retryAfter(after) }) },
    body: encoding.status({ code: grpc, message, retryDelay: after }),
  }
}

const NO_METADATA: Origin['metadata'] = new Map()

/** The headers are looked at where they go along: a map of them is made then. */
const originOf = (request: HttpRequest, includeMetadata: boolean): Origin => ({
  metadata: includeMetadata ? request.metadata : NO_METADATA,
  peer: request.peer,
  transport: 'http',
  ...(request.auth && { auth: request.auth }),
})
