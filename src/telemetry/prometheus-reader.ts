import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Log } from '../component/context.ts'
import type { Labels } from '../component/meter.ts'
import type { PrometheusReader } from '../config/telemetry.ts'
import { hostPort } from '../transport/address.ts'
import { listen } from '../transport/listen.ts'
import type { Telemetry } from './own-telemetry.ts'
import { prometheusText } from './prometheus-text.ts'
import type { Reader } from './reader.ts'

/** Milliseconds that a request may take to come in; the Collector's. */
const REQUEST_TIMEOUT = 5_000
const IDLE_TIMEOUT = 120_000
/** Milliseconds that a client may take to read what it asked for: it holds one of the few connections meanwhile. */
const READ_TIMEOUT = 60_000
const MAX_CONNECTIONS = 64
const MAX_HEADER_BYTES = 16 * 1024
const PATH = '/metrics'

/** Offers the metrics at `/metrics`, in the Prometheus text format. Rejects in the Collector's words where the address is taken. */
export async function readByPrometheus(
  reader: PrometheusReader,
  own: Telemetry,
  log: Log,
): Promise<Reader & { readonly port: number }> {
  const answering = new WeakSet<Socket>()
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT, headersTimeout: REQUEST_TIMEOUT, maxHeaderSize: MAX_HEADER_BYTES },
    (request, response) => {
      const { socket } = request
      // Requests that are sent all at once would all be answered before one answer is read.
      if (answering.has(socket)) return void socket.destroy()
      answering.add(socket)
      const late = setTimeout(() => socket.destroy(), READ_TIMEOUT).unref()
      response.once('close', () => {
        clearTimeout(late)
        answering.delete(socket)
      })
      void answer(request, response, (utf8) => text(reader, own, utf8))
    },
  )
  server.keepAliveTimeout = IDLE_TIMEOUT
  server.maxConnections = MAX_CONNECTIONS
  const { host, port } = reader
  try {
    const listening = await listen(server, { kind: 'tcp', host, port, family: 0 }, log)
    // What is told is no reason for the process to stay.
    listening.unref()
    const { address } = listening
    return {
      port: address.kind === 'tcp' ? address.port : port,
      async stop() {
        const closed = listening.close()
        server.close()
        server.closeAllConnections()
        await closed
      },
    }
  } catch (cause) {
    const where = `binding address ${hostPort(host, port)} for Prometheus exporter`
    throw new Error(`${where}: ${(cause as Error).message}`, { cause })
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  write: (utf8: boolean) => Promise<string>,
): Promise<void> {
  const plain = { 'Content-Type': 'text/plain; charset=utf-8' }
  const reply = (status: number, headers: Readonly<Record<string, string>>, body: string) => {
    response.writeHead(status, { ...headers, 'Content-Length': String(Buffer.byteLength(body)) })
    response.end(request.method === 'HEAD' ? undefined : body)
    // A body that comes with it is not read.
    if (!request.complete) request.resume()
  }
  if (request.url?.split('?', 1)[0] !== PATH) return reply(404, plain, '404 page not found\n')
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return reply(405, { ...plain, Allow: 'GET, HEAD' }, '405 method not allowed\n')
  const utf8 = /escaping=allow-utf-8/.test(request.headers.accept ?? '')
  const escaping = utf8 ? 'allow-utf-8' : 'underscores'
  reply(200, { 'Content-Type': `text/plain; version=0.0.4; charset=utf-8; escaping=${escaping}` }, await write(utf8))
}

async function text(reader: PrometheusReader, own: Telemetry, utf8: boolean): Promise<string> {
  const { resource } = own.options
  const constant = { ...(reader.scopeInfo && scopeLabels(own)), ...resourceLabels(reader, resource) }
  return prometheusText(await own.measured(), resource, { suffixes: reader.suffixes, utf8, constant })
}

const scopeLabels = ({ options: { version } }: Telemetry): Labels => ({
  otel_scope_name: 'telegen',
  otel_scope_version: version,
  otel_scope_schema_url: '',
})

function resourceLabels({ resourceLabels: chosen }: PrometheusReader, resource: Labels): Labels {
  if (!chosen) return {}
  const { included, excluded } = chosen
  const stands = (key: string) => (included.length === 0 || included.includes(key)) && !excluded.includes(key)
  return Object.fromEntries(Object.entries(resource).filter(([key]) => stands(key)))
}
