import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import { connect, createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2'
import type { Server } from 'node:net'
import { describe, test } from 'node:test'
import { StatusReader } from '../../bench/relay/header-blocks.ts'
import { locate, places } from '../../bench/relay/item-numbers.ts'
import { Ledger } from '../../bench/relay/ledger.ts'
import { request } from '../../bench/relay/requests.ts'
import { nameOf, type Scenario } from '../../bench/relay/scenario.ts'
import { Station, type Window } from '../../bench/relay/station.ts'
import { freePorts } from '../free-ports.ts'

const LOAD = { connections: 2, each: 1, prepared: 16 }
const WINDOW_MS = 100
/** So many requests that some are refused may take several windows on a busy machine. */
const MOST_WINDOWS = 50
const plain: Scenario = { protocol: 'grpc', work: 'pass', items: 10, signal: 'traces', gzip: false, batch: false }

describe('the load of the relay bench', () => {
  const kinds: Partial<Scenario>[] = [
    ...(['traces', 'metrics', 'logs'] as const).flatMap((signal): Partial<Scenario>[] => [
      { protocol: 'grpc', signal, items: 512 },
      { protocol: 'http', signal, items: 10 },
    ]),
    { protocol: 'grpc', gzip: true },
    { protocol: 'http', gzip: true, items: 512 },
  ]
  for (const kind of kinds) {
    const scenario: Scenario = { ...plain, ...kind }
    test(`finds all its numbers in its own requests: ${nameOf(scenario)}`, async () => {
      const [port] = (await freePorts(1)) as [number]
      const station = new Station(scenario, { input: port, output: port }, LOAD)
      await station.listening()
      try {
        assert.match(await station.learn(), /^1+$/)
        const window = await station.window(process.pid, WINDOW_MS)
        assert.equal(window.fault, undefined)
        assert.ok(window.requests > 1)
        assert.deepEqual([window.lost, window.doubled, window.unwanted, window.failed], [0, 0, 0, 0])
        assert.equal(window.arrivedItems, window.requests * scenario.items)
      } finally {
        station.close()
      }
    })
  }

  test('sees what a relay over HTTP loses, doubles and refuses', async () => {
    const [input, output] = (await freePorts(2)) as [number, number]
    const station = new Station({ ...plain, protocol: 'http' }, { input, output }, LOAD)
    await station.listening()
    let turn = 0
    const relay = createServer(async (received, answer) => {
      const body = Buffer.concat(await received.toArray())
      const copies = [1, 1, 0, 2][turn % 4]!
      answer.statusCode = turn++ % 8 === 7 ? 503 : 200
      for (let copy = 0; copy < copies; copy++) await forward(output, body)
      answer.end()
    }).listen(input, '127.0.0.1')
    try {
      const window = await station.window(process.pid, 5 * WINDOW_MS)
      assert.match(window.fault ?? '', /503/)
      assert.equal(window.failed, Math.floor(turn / 8))
      // Of each four one is lost and one doubled; what was refused and arrived twice nevertheless is doubled twice.
      assert.equal(window.lost, Math.floor((turn + 1) / 4) * 10)
      const doubled = Math.floor(turn / 4)
      assert.equal(window.doubled, (doubled + Math.floor(turn / 8)) * 10)
    } finally {
      station.close()
      relay.close()
      relay.closeAllConnections()
    }
  })

  test('relays through HTTP/2 of another make, and hears of every status but 0', async () => {
    const [input, output] = (await freePorts(2)) as [number, number]
    const station = new Station({ ...plain, items: 512 }, { input, output }, LOAD)
    await station.listening()
    const backend = connect(`http://127.0.0.1:${output}`)
    let turn = 0
    const server = createHttp2Server()
    server.on('stream', async (stream: ServerHttp2Stream) => {
      const body = Buffer.concat(await stream.toArray())
      if (++turn % 3 === 0) {
        const trailers = { 'grpc-status': '8', 'grpc-message': 'too much, said the server', 'x-turn': `${turn}` }
        return stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailers }, { endStream: true })
      }
      const headers = { ':method': 'POST', ':path': '/x', 'content-type': 'application/grpc', te: 'trailers' }
      const onwards = backend.request(headers)
      onwards.end(body)
      const answered = once(onwards, 'trailers')
      await onwards.toArray()
      const [trailers] = (await answered) as [Record<string, string>]
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': trailers['grpc-status'] ?? 'none' }))
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.end(Buffer.alloc(5))
    })
    server.listen(input, '127.0.0.1')
    try {
      const windows: Window[] = []
      while (turn < 3 && windows.length < MOST_WINDOWS) windows.push(await station.window(process.pid, WINDOW_MS))
      const window = windows.at(-1)!
      const sum = (key: 'requests' | 'failed' | 'lost' | 'doubled' | 'unwanted'): number =>
        windows.reduce((result, each) => result + each[key], 0)
      assert.equal(window.fault, 'HTTP 200, status 8: too much, said the server')
      assert.equal(sum('failed'), Math.floor(turn / 3))
      assert.equal(sum('requests'), turn - sum('failed'))
      assert.deepEqual([sum('lost'), sum('doubled'), sum('unwanted')], [0, 0, 0])
    } finally {
      station.close()
      backend.destroy()
      ;(server as Server).close()
    }
  })
})

test('a ledger knows the items that are to be kept, and counts those that arrive otherwise', () => {
  const body = request('logs', 4, 0)
  assert.equal(locate('logs', body, 0, body.length), 4)
  const at = [...places.subarray(0, 4)]
  const ledger = new Ledger('logs', 4, 1)
  const numbered = (...numbers: number[]): Buffer => {
    for (const [index, number] of numbers.entries()) body.writeUInt32LE(number, at[index])
    return body
  }
  ledger.begin(0)
  ledger.sent(0)
  ledger.arrived(numbered(0, 1, 0, 0), 0, body.length)
  assert.equal(ledger.learn(), '1100')
  ledger.begin(1)
  ledger.sent(1)
  assert.equal(ledger.complete, false)
  ledger.arrived(numbered(4, 4, 6, 3), 0, body.length)
  assert.deepEqual(ledger.balance(), { lost: 1, doubled: 1, unwanted: 2 })
})

test("statuses are read from Huffman's code, from the table, and after entries were pushed out of it", () => {
  const reader = new StatusReader()
  const literal = (text: string): Buffer => Buffer.concat([Buffer.of(text.length), Buffer.from(text)])
  const coded = Buffer.concat([
    Buffer.of(0x40),
    literal('grpc-message'),
    Buffer.from('919d29ad171863c78f0b97c8e9ae82ae43d3', 'hex'),
  ])
  assert.deepEqual(reader.read(coded), { message: 'https://www.example.com' })
  assert.deepEqual(reader.read(Buffer.of(0x88, 0xbe)), { http: '200', message: 'https://www.example.com' })
  const other = Buffer.concat([Buffer.of(0x61), literal('x'.repeat(100))])
  for (let entry = 0; entry < 40; entry++) reader.read(other)
  assert.throws(() => reader.read(Buffer.of(0x80 | (62 + 30))), /not in the table/)
  assert.deepEqual(reader.read(Buffer.of(0x80 | (62 + 29))), {})
})

function forward(port: number, body: Buffer): Promise<unknown> {
  const forwarded = httpRequest({ port, host: '127.0.0.1', method: 'POST', headers: { 'content-length': body.length } })
  const answered = once(forwarded, 'response').then(([answer]) =>
    once((answer as NodeJS.ReadableStream).resume(), 'end'),
  )
  forwarded.end(body)
  return answered
}
