import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import net from 'node:net'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FrameReader } from '../../../../src/transport/http2/frame-reader.ts'
import {
  DEFAULT_FRAME,
  END_HEADERS,
  END_STREAM,
  HEADERS,
  HEADER_TABLE_SIZE,
  SETTINGS,
  ACK,
} from '../../../../src/transport/http2/frames.ts'
import { HeaderDecoder } from '../../../../src/transport/http2/hpack/decoder.ts'
import { HeaderEncoder, encodeHeaders } from '../../../../src/transport/http2/hpack/encoder.ts'
import { headerField } from '../../../../src/transport/http2/hpack/header-list.ts'
import { STATIC_TABLE } from '../../../../src/transport/http2/hpack/static-table.ts'
import type { HeaderField } from '../../../../src/transport/http2/hpack/header-list.ts'
import { RawConnection, frame, setting } from '../../raw-http2.ts'
import { disposing } from '../../disposing.ts'
import { until } from '../../until.ts'
import { LIMITS, pairs } from './blocks.ts'

/** The judge: Node's own HTTP/2 is nghttp2. It takes names and values by the rules of HTTP/2 alone. */
const TOKEN = '!#$%&*+.^_`|~abcdefghijklmnopqrstuvwxyz0123456789'.split('')
const name = fc.array(fc.constantFrom(...TOKEN), { minLength: 1, maxLength: 30 }).map((parts) => `x-${parts.join('')}`)
const value = fc.oneof(
  fc.constantFrom('trailers', 'application/grpc', '1'),
  fc.array(fc.integer({ min: 0x21, max: 0x7e }), { maxLength: 300 }).map((codes) => String.fromCharCode(...codes)),
)
const request = fc
  .array(fc.tuple(name, value, fc.constantFrom('allowed' as const, 'without' as const, 'never' as const)), {
    maxLength: 10,
  })
  .map((fields): readonly HeaderField[] => [
    headerField(':method', 'POST'),
    headerField(':scheme', 'http'),
    headerField(':path', '/opentelemetry.proto.collector.logs.v1.LogsService/Export'),
    headerField(':authority', 'localhost', 'without'),
    ...fields.map((parts) => headerField(...parts)),
  ])
/** Of the static table, what no request may have. */
const UNSENDABLE = new Set(['transfer-encoding'])
const conversation = fc.sample(request, { numRuns: 300, seed: 7541 })

async function received(headerTableSize: number, blocks: (connection: RawConnection) => AsyncIterable<Buffer>) {
  const server = http2.createServer({ settings: { headerTableSize } })
  const lists: string[][] = []
  server.on('stream', (stream, _headers, _flags, raw) => {
    lists.push(raw)
    stream.respond({ ':status': 200 }, { endStream: true })
  })
  const connections: net.Socket[] = []
  server.on('connection', (socket) => connections.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  try {
    const connection = new RawConnection(port)
    connections.push(connection.socket)
    let stream = 1
    for await (const block of blocks(connection)) {
      void connection.write(frame(HEADERS, END_HEADERS | END_STREAM, stream, block))
      stream += 2
      const wanted = lists.length + 1
      await until(() => lists.length === wanted || connection.goaway !== undefined, `request ${wanted}`)
      assert.equal(connection.goaway, undefined)
    }
  } finally {
    for (const socket of connections) socket.destroy()
    server.close()
  }
  return lists
}

const flat = (fields: readonly HeaderField[]): string[] => pairs(fields).flat()

describe('nghttp2', () => {
  for (const tableSize of [4096, 100, 0])
    test(`reads what the encoder writes for a table of ${tableSize} octets`, async () => {
      const encoder = new HeaderEncoder()
      const some = [...conversation.slice(0, 60), ...conversation.slice(0, 10)]
      const lists = await received(tableSize, async function* (connection) {
        await until(() => connection.frames.some(({ type, flags }) => type === SETTINGS && flags === 0), 'settings')
        void connection.write(frame(SETTINGS, ACK, 0))
        encoder.setTableSize(tableSize)
        for (const fields of some) yield encoder.encode(fields)
      })
      assert.deepEqual(lists, some.map(flat))
    })

  test('reads blocks that rest on no table, and such blocks behind one another', async () => {
    const some = conversation.slice(100, 160)
    const lists = await received(4096, async function* () {
      for (const fields of some)
        yield Buffer.concat([encodeHeaders(fields.slice(0, 5)), encodeHeaders(fields.slice(5))])
    })
    assert.deepEqual(lists, some.map(flat))
  })

  test('has the same names and values in its static table', async () => {
    const request = conversation[0]!.slice(0, 4)
    const others = STATIC_TABLE.slice(15).filter(({ name }) => !UNSENDABLE.has(name))
    const pseudo = [2, 3, 4, 5, 6, 7].map((index) => STATIC_TABLE[index]!)
    const some = [
      [...request, ...others.map(({ name }) => headerField(name, '0'))],
      [...request, STATIC_TABLE[16]!],
      ...[0, 1].map((at) => [pseudo[at]!, pseudo[at + 2]!, pseudo[at + 4]!, headerField(':authority', 'localhost')]),
    ]
    const lists = await received(4096, async function* () {
      for (const fields of some) yield encodeHeaders(fields)
    })
    assert.deepEqual(lists, some.map(flat))
  })

  for (const tableSize of [4096, 256, 0, 16_384])
    test(`is understood by a decoder with a table of ${tableSize} octets`, async (t) => {
      const some = [...conversation.slice(200, 260), ...conversation.slice(200, 220)]
      const peer = disposing(t, await listening(tableSize))
      const client = http2.connect(`http://127.0.0.1:${peer.port}`)
      client.on('error', () => {})
      await until(() => peer.isAcknowledged(), 'an acknowledgement')
      for (const [index, fields] of some.entries()) {
        const headers: Record<string, string | string[]> = {}
        const secrets: string[] = []
        for (const { name, value, indexing } of fields) {
          headers[name] = value
          if (indexing === 'never') secrets.push(name)
        }
        const call = client.request({ ...headers, [http2.sensitiveHeaders]: secrets })
        call.on('error', () => {}).end()
        await until(() => peer.lists.length > index, 'a block')
        const expected = Object.entries(headers).filter(([name]) => name.startsWith('x-'))
        const got = peer.lists[index]!.filter(({ name }) => name.startsWith('x-'))
        assert.deepEqual(pairs(got), expected)
        for (const { name, indexing } of got) assert.equal(indexing === 'never', secrets.includes(name), name)
      }
      client.destroy()
    })
})

/** A server that says its settings and decodes the blocks that come. */
async function listening(tableSize: number) {
  const lists: (readonly HeaderField[])[] = []
  let isAcknowledged = false
  const decoder = new HeaderDecoder({ ...LIMITS, tableSize })
  const server = net.createServer((socket) => {
    socket.write(frame(SETTINGS, 0, 0, setting(HEADER_TABLE_SIZE, tableSize)))
    let preface = 24
    const reader = new FrameReader(
      {
        frame(type, flags, _stream, buffer, start, end) {
          if (type === SETTINGS && flags === ACK) {
            decoder.acknowledged()
            isAcknowledged = true
          } else if (type === SETTINGS) socket.write(frame(SETTINGS, ACK, 0))
          else if (type === HEADERS) {
            assert.ok(flags & END_HEADERS)
            // Node says a priority, which goes before the block.
            lists.push(decoder.decode(buffer, (flags & 0x20) > 0 ? start + 5 : start, end).fields)
          }
        },
        beginData() {},
        data() {},
        endData() {},
      },
      { data: DEFAULT_FRAME, other: DEFAULT_FRAME },
    )
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      const skipped = Math.min(preface, chunk.length)
      preface -= skipped
      reader.read(chunk.subarray(skipped))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as net.AddressInfo).port,
    lists,
    isAcknowledged: () => isAcknowledged,
    async [Symbol.asyncDispose]() {
      server.close()
    },
  }
}
