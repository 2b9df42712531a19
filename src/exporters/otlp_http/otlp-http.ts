import {
  ClientAuthentication,
  decodeRpcStatus,
  HTTP_PATHS,
  makeHttpClient,
  parseRetryAfter,
  parseRpcStatusJson,
  partialSuccess,
  partialSuccessJson,
  refusalOfHttp,
} from '../../plugin.ts'
import type { Exporter, ExporterContext, HttpAnswer, HttpClient, Refused, Signal } from '../../plugin.ts'
import { bodyOf } from './body.ts'
import type { OtlpHttpOptions } from './options.ts'

/** Of a body that is no status, so many characters go into a message. */
const SHOWN = 200

/** Each batch is one POST; as protobuf its bytes are passed on unread. */
export function otlpHttp(context: ExporterContext<OtlpHttpOptions>): Exporter {
  const { config, log, signals } = context
  const urls = new Map(signals.map((signal) => [signal, urlOf(signal, config)]))
  const mediaType = config.encoding === 'proto' ? 'application/x-protobuf' : 'application/json'
  const headers = { 'content-type': mediaType, 'user-agent': 'telegen' }
  let client: HttpClient | undefined
  return {
    async start() {
      const authenticator = config.auth && context.extension(ClientAuthentication, config.auth.authenticator)
      client = await makeHttpClient(config, urls.values(), { authenticator, log })
    },
    async send(batch, { cancellation: abort, origin }) {
      const url = urls.get(batch.signal)
      if (client === undefined || url === undefined) throw new Error(`not started for ${batch.signal}`)
      const body = bodyOf(batch, config.encoding)
      let answer: HttpAnswer
      try {
        answer = await client.post(url, body.pieces, { headers, abort, origin })
      } finally {
        body.release()
      }
      if (answer.status < 200 || answer.status >= 300) throw refusalOf(url, answer)
      if (isProtobuf(answer)) return partialSuccess(answer.body)
      return isJson(answer) ? partialSuccessJson(answer.body.toString()) : undefined
    },
    async stop() {
      await client?.close()
    },
  }
}

/** A signal's own endpoint is taken as it is; the common one gets the signal's path. */
function urlOf(signal: Signal, config: OtlpHttpOptions): URL {
  const own = config[`${signal}_endpoint`]
  if (own) return new URL(own)
  if (!config.endpoint) throw new Error(`either endpoint or ${signal}_endpoint must be specified`)
  return new URL(config.endpoint.replace(/\/$/, '') + HTTP_PATHS[signal])
}

function refusalOf(url: URL, answer: HttpAnswer): Refused {
  const { status, headers, body } = answer
  const details =
    (isProtobuf(answer) ? decodeRpcStatus(body)?.message : parseRpcStatusJson(body.toString())?.message) ??
    textOf(answer)
  const message = `${url.origin}${url.pathname} responded with HTTP Status Code ${status}${details ? `: ${details}` : ''}`
  return refusalOfHttp(status, message, parseRetryAfter(headers.get('retry-after')))
}

const isProtobuf = ({ headers }: HttpAnswer): boolean =>
  /^application\/x-protobuf\b/i.test(headers.get('content-type') ?? '')

const isJson = ({ headers }: HttpAnswer): boolean => /^application\/json\b/i.test(headers.get('content-type') ?? '')

/** What a proxy or a web server says, on one line. */
const textOf = (answer: HttpAnswer): string =>
  isProtobuf(answer)
    ? ''
    : answer.body
        .toString('utf8', 0, SHOWN * 4)
        .replace(/[\s\p{Cc}]+/gu, ' ')
        .trim()
        .slice(0, SHOWN)
