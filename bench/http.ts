/**
 * What does one OTLP/HTTP request cost the process that serves it, and the one that sends it? Microseconds of processor time, all threads,
 * against a peer in another process; medians of short windows. Then gzip: from which size on is it worth to leave the event loop?
 * `--quick` takes a quarter of the time; `serve`, `send` and `codings` choose.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import zlib from 'node:zlib'
import { SlabPool } from '../src/data/memory/slab-pool.ts'
import { join } from '../src/data/kernels/merge.ts'
import otlpHttp from '../src/exporters/otlp_http/index.ts'
import otlp from '../src/receivers/otlp/index.ts'
import { makeHttpClient, startHttpServer } from '../src/transport/http.ts'
import type { HttpClientOptions } from '../src/transport/http-client-options.ts'
import type { HttpServerOptions } from '../src/transport/http-server-options.ts'
import { configured } from '../test/transport/configured.ts'
import { payloads } from './measure/payloads.ts'

const SMALL = 5800
const IN_FLIGHT = 8
const WARM_UP_MS = 1500
const PEER = new URL('measure/http-peer.ts', import.meta.url)
const LOG = { debug() {}, info() {}, warn: console.warn, error: console.error }

export default async function http(options: readonly string[]): Promise<void> {
  const rounds = options.includes('--quick') ? 5 : 20
  const chosen = ['serve', 'send', 'codings'].filter((name) => options.includes(name))
  const wants = (name: string) => chosen.length === 0 || chosen.includes(name)
  const large = join(payloads('traces')[0]!)
  const bodies = { '10 spans': large.subarray(0, SMALL), '512 spans': large }
  console.log(`microseconds of processor time, medians of ${rounds} windows; Node ${process.version}\n`)
  for (const [name, body] of Object.entries(bodies)) {
    if (wants('serve')) {
      print(`serve ${name}`, body, await serve(body, '', rounds))
      print(`serve ${name}, gzip`, body, await serve(zlib.gzipSync(body), 'gzip', rounds))
    }
    if (!wants('send')) continue
    print(`send ${name}`, body, await send(body, 'none', rounds))
    print(`send ${name}, gzip`, body, await send(body, 'gzip', rounds))
    print(`send ${name}, gzip, level 1`, body, await send(body, 'gzip, compression_params: { level: 1 }', rounds))
  }
  if (wants('codings')) await codings(Buffer.concat(payloads('traces').slice(0, 2).map(join)), rounds)
}

/** One request served: read into a slab, and answered. */
async function serve(body: Buffer, coding: string, rounds: number): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'telegen-bench-'))
  const file = path.join(folder, 'body')
  writeFileSync(file, body)
  const pool = new SlabPool()
  const reserve = (bytes: number) => pool.take(bytes)
  let served = 0
  const server = await startHttpServer(serverOptions(), {
    log: LOG,
    async handle(request) {
      const { slab } = await request.body(reserve(request.room()), reserve)
      slab.release()
      served++
      return { status: 200, headers: { 'Content-Type': 'application/x-protobuf' }, body: '' }
    },
  })
  const { port } = server.address as { port: number }
  const peer = fork(PEER, ['load', String(port), file, coding])
  try {
    return await perRequest(rounds, () => served)
  } finally {
    peer.disconnect()
    await server.close(AbortSignal.abort())
    rmSync(folder, { recursive: true })
  }
}

function serverOptions(): HttpServerOptions {
  const { protocols } = configured(otlp, '{ protocols: { http: { endpoint: "127.0.0.1:0" } } }') as {
    protocols: { http: HttpServerOptions }
  }
  return protocols.http
}

/** One request posted, and its answer read. */
async function send(body: Buffer, compression: string, rounds: number): Promise<number> {
  const peer = fork(PEER, ['sink'])
  const url = new URL(`http://127.0.0.1:${await port(peer)}/v1/traces`)
  const options = configured(otlpHttp, `{ endpoint: '${url.href}', compression: ${compression} }`) as HttpClientOptions
  const client = await makeHttpClient(options, [url])
  let sent = 0
  let isOver = false
  const headers = { 'content-type': 'application/x-protobuf', 'user-agent': 'telegen' }
  const { signal } = new AbortController()
  const sending = Array.from({ length: IN_FLIGHT }, async () => {
    for (; !isOver; sent++) await client.post(url, [body], { headers, abort: signal })
  })
  try {
    return await perRequest(rounds, () => sent)
  } finally {
    isOver = true
    await Promise.all(sending)
    await client.close()
    peer.disconnect()
  }
}

const port = (peer: ChildProcess): Promise<number> =>
  new Promise((resolve) => peer.once('message', (told) => resolve(told as number)))

async function perRequest(rounds: number, done: () => number): Promise<number> {
  await pause(WARM_UP_MS)
  const costs: number[] = []
  for (let round = 0; round < rounds; round++) {
    const before = done()
    const cpu = process.cpuUsage()
    await pause(WINDOW_MS)
    const { user, system } = process.cpuUsage(cpu)
    costs.push((user + system) / (done() - before))
  }
  return median(costs)
}

const WINDOW_MS = 250
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[values.length >> 1]!

/** The same work at once and off-thread, by size of what is inflated. */
async function codings(large: Buffer, rounds: number): Promise<void> {
  console.log(
    '\nby size                inflate: at once   off-thread    gzip 6: at once   off-thread    gzip 1: at once',
  )
  for (const kilobytes of [4, 8, 16, 32, 64, 128, 256, 384, 512]) {
    const body = large.subarray(0, kilobytes * 1024)
    const sent = zlib.gzipSync(body)
    const chunkSize = body.length + 1
    const costs = [
      await each(rounds, async () => zlib.gunzipSync(sent, { chunkSize })),
      await each(rounds, () => new Promise((resolve) => zlib.gunzip(sent, { chunkSize }, resolve))),
      await each(rounds, async () => zlib.gzipSync(body)),
      await each(rounds, () => new Promise((resolve) => zlib.gzip(body, resolve))),
      await each(rounds, async () => zlib.gzipSync(body, { level: 1 })),
    ]
    const columns = costs.map((cost) => cost.toFixed(0).padStart(15)).join('')
    console.log(`${kilobytes} KB (${Math.round(sent.length / 1024)} KB gzip)`.padEnd(20) + columns)
  }
}

const TURNS = 50

async function each(rounds: number, work: () => Promise<unknown>): Promise<number> {
  const costs: number[] = []
  for (let round = 0; round < rounds; round++) {
    const cpu = process.cpuUsage()
    for (let turn = 0; turn < TURNS; turn++) await work()
    const { user, system } = process.cpuUsage(cpu)
    costs.push((user + system) / TURNS)
  }
  return median(costs)
}

const print = (name: string, body: Buffer, cost: number): void =>
  console.log(
    `${name.padEnd(30)}${cost.toFixed(1).padStart(8)} us   ${(body.length / cost).toFixed(0).padStart(6)} MB/s`,
  )
