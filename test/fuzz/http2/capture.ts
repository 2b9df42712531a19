/** `node test/fuzz/http2/capture.ts [name…]`: records anew what real peers say to one another, which the inputs of `fuzz -- http2` are made of. */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as grpc from '@grpc/grpc-js'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import { GRPC_PATHS } from '../../../src/transport/otlp-paths.ts'
import { freePorts } from '../../free-ports.ts'
import { framed } from '../otlp/input.ts'

const FOLDER = fileURLToPath(new URL('captures/', import.meta.url))
const TELEGEN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
const OTELCOL = fileURLToPath(new URL('../../../scripts/otelcol', import.meta.url))
const PATH = GRPC_PATHS.traces
/** Small: what is in messages is another target's. */
const REQUEST = {
  resourceSpans: [
    {
      scopeSpans: [
        {
          spans: [
            { traceId: '5b8efff798038103d269b633813fc60c', spanId: 'eee19b7ec3c1b174', name: 'a span of a peer' },
          ],
        },
      ],
    },
  ],
}
const MESSAGE = Buffer.concat([...fromObject('traces', REQUEST).segments()])
const CALLS = 3
const SETTLING = 300
const PATIENCE = 20_000

const [serverPort, http, grpcPort] = (await freePorts(3)) as [number, number, number]
const folder = mkdtempSync(join(tmpdir(), 'telegen-capture-'))
const otelcol = execFileSync(OTELCOL, { encoding: 'utf8' }).trim()

const wanted = process.argv.slice(2)
for (const [name, serve, call] of [
  ['grpc-js', grpcJsServer, grpcJsClient],
  ['node', nodeServer, nodeClient],
  ['curl-grpc-go', collectorServer, curlClient],
  ['grpc-go', collectorServer, collectorClient],
  ['grpc-js-grpc-go', collectorServer, grpcJsClient],
  ['telegen', telegenServer, telegenClient],
] as const)
  if (wanted.length === 0 || wanted.includes(name)) await record(name, serve, call)
rmSync(folder, { recursive: true })

type Stop = () => Promise<void> | void

/** Both directions of the first connection of the client, byte for byte. */
async function record(name: string, serve: () => Promise<Stop>, call: (port: number) => Promise<void>): Promise<void> {
  const stop = await serve()
  const said: { readonly client: Buffer[]; readonly server: Buffer[] }[] = []
  const between = net.createServer((client) => {
    const server = net.connect(serverPort, '127.0.0.1')
    const pieces = { client: [] as Buffer[], server: [] as Buffer[] }
    said.push(pieces)
    client.on('data', (bytes: Buffer) => pieces.client.push(bytes)).on('error', () => {})
    server.on('data', (bytes: Buffer) => pieces.server.push(bytes)).on('error', () => {})
    client.pipe(server).pipe(client)
  })
  between.listen(0, '127.0.0.1')
  await once(between, 'listening')
  await call((between.address() as net.AddressInfo).port)
  await new Promise((resolve) => setTimeout(resolve, SETTLING))
  await stop()
  between.close()
  const [first] = said
  if (first === undefined) throw new Error(`${name}: nobody connected`)
  const capture = {
    client: Buffer.concat(first.client).toString('base64'),
    server: Buffer.concat(first.server).toString('base64'),
  }
  writeFileSync(join(FOLDER, `${name}.json`), `${JSON.stringify(capture, null, 2)}\n`)
  console.log(name, Buffer.concat(first.client).length, Buffer.concat(first.server).length)
}

async function grpcJsServer(): Promise<Stop> {
  const server = new grpc.Server()
  const same = (bytes: Buffer): Buffer => bytes
  const definition = { path: PATH, requestStream: false, responseStream: false } as const
  const handle: grpc.handleUnaryCall<Buffer, Buffer> = (_call, reply) => reply(null, Buffer.alloc(0))
  server.addService(
    {
      Export: {
        ...definition,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    { Export: handle },
  )
  const credentials = grpc.ServerCredentials.createInsecure()
  await promisify((done: (error: Error | null, port: number) => void) =>
    server.bindAsync(`127.0.0.1:${serverPort}`, credentials, done),
  )()
  return () => server.forceShutdown()
}

async function nodeServer(): Promise<Stop> {
  const server = http2.createServer()
  server.on('stream', (stream) => {
    stream.resume().on('end', () => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(framed(Buffer.alloc(0)))
    })
  })
  server.listen(serverPort, '127.0.0.1')
  await once(server, 'listening')
  return () => void server.close()
}

function collectorServer(): Promise<Stop> {
  return program(
    otelcol,
    [],
    `receivers: { otlp: { protocols: { grpc: { endpoint: '127.0.0.1:${serverPort}' } } } }`,
    'nop:',
    'nop',
  )
}

function telegenServer(): Promise<Stop> {
  return program(
    process.execPath,
    [TELEGEN],
    `receivers: { otlp: { protocols: { grpc: { endpoint: '127.0.0.1:${serverPort}' } } } }`,
    'nop:',
    'nop',
  )
}

async function grpcJsClient(port: number): Promise<void> {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure())
  const same = (bytes: Buffer): Buffer => bytes
  for (let times = 0; times < CALLS; times++)
    await new Promise<void>((resolve, reject) => {
      const options = { deadline: Date.now() + PATIENCE }
      client.makeUnaryRequest(PATH, same, same, MESSAGE, new grpc.Metadata(), options, (error) =>
        error ? reject(error) : resolve(),
      )
    })
  client.close()
}

async function nodeClient(port: number): Promise<void> {
  const session = http2.connect(`http://127.0.0.1:${port}`)
  for (let times = 0; times < CALLS; times++) {
    const call = session.request({
      ':method': 'POST',
      ':path': PATH,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': `${times + 1}S`,
    })
    call.end(framed(MESSAGE))
    call.resume()
    await once(call, 'close')
  }
  session.ping(() => session.close())
  await once(session, 'close')
}

async function curlClient(port: number): Promise<void> {
  const body = join(folder, 'body')
  writeFileSync(body, framed(MESSAGE))
  const url = `http://127.0.0.1:${port}${PATH}`
  const words = ['-s', '--http2-prior-knowledge', '--data-binary', `@${body}`, '-H', 'content-type: application/grpc']
  await promisify(execFile)('curl', [...words, '-H', 'te: trailers', url])
}

function collectorClient(port: number): Promise<void> {
  return exporting(port, otelcol, [])
}

function telegenClient(port: number): Promise<void> {
  return exporting(port, process.execPath, [TELEGEN])
}

/** A program that takes OTLP over HTTP sends it on over gRPC. */
async function exporting(port: number, executable: string, words: readonly string[]): Promise<void> {
  const stop = await program(
    executable,
    words,
    `receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:${http}' } } } }`,
    `otlp_grpc: { endpoint: '127.0.0.1:${port}', tls: { insecure: true }, compression: none, sending_queue: { enabled: false } }`,
    'otlp_grpc',
    http,
  )
  for (let times = 0; times < CALLS; times++) {
    const answer = await fetch(`http://127.0.0.1:${http}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(REQUEST),
    })
    if (!answer.ok) throw new Error(await answer.text())
  }
  await stop()
}

async function program(
  executable: string,
  words: readonly string[],
  receivers: string,
  exporter: string,
  name: string,
  port = serverPort,
): Promise<Stop> {
  const config = join(folder, `${grpcPort}-${port}-${name}.yaml`)
  writeFileSync(
    config,
    `${receivers}
exporters: { ${exporter} }
service: { telemetry: { metrics: { level: none } }, pipelines: { traces: { receivers: [otlp], exporters: [${name}] } } }
`,
  )
  const child = spawn(executable, [...words, '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  for (const end = performance.now() + PATIENCE; !output.includes('Everything is ready');) {
    if (child.exitCode !== null || performance.now() > end) throw new Error(output)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return async () => {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
  }
}
