import {
  AF_INET,
  DATA_STARTS_MESSAGE,
  DIRECTION_IN,
  DIRECTION_OUT,
  EVENT_SOCKET_DATA,
  PROTOCOL_HTTP1,
  SOCKET_DATA as AT,
  SOCKET_DATA_BYTES,
  TAIL_BYTES,
} from '../../src/receivers/ebpf/socket/event.ts'

const CONNECTIONS = 256
const PER_CONNECTION = 4

const PATHS = [
  '/',
  '/cart',
  '/api/v1/users/42',
  '/api/v1/products?category=shoes&page=3',
  '/static/app.3f2a9bc1.js',
  '/health',
]
const HOSTS = ['shop.example', '10.0.0.7:8080', 'api.internal:9090']

/** What differs from request to request; `mixed` is what the promise is measured by. */
export type Varying = 'mixed' | 'nothing' | 'path' | 'traceparent'

/** Stands where a number goes that is another each time. */
const COUNTED = '########'

/** The same head each time, but for what varies. */
const steadyRequest = (varying: Varying): string =>
  [
    `GET /item/${varying === 'path' ? COUNTED : '12345678'} HTTP/1.1`,
    `Host: ${HOSTS[0]}`,
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    'Accept: application/json, text/plain;q=0.9, */*;q=0.8',
    'Accept-Encoding: gzip, deflate, br',
    ...(varying === 'traceparent' ? [`traceparent: 00-${'a'.repeat(24)}${COUNTED}-${hex(0, 16)}-01`] : []),
    '',
    '',
  ].join('\r\n')

const request = (index: number): string =>
  [
    `${index % 5 === 0 ? 'POST' : 'GET'} ${PATHS[index % PATHS.length]} HTTP/1.1`,
    `Host: ${HOSTS[index % HOSTS.length]}`,
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    'Accept: application/json, text/plain;q=0.9, */*;q=0.8',
    'Accept-Encoding: gzip, deflate, br',
    ...(index % 2 === 0 ? [`traceparent: 00-${hex(index, 32)}-${hex(index, 16)}-01`] : []),
    ...(index % 5 === 0 ? ['Content-Type: application/json', 'Content-Length: 14', '', '{"amount": 42}'] : ['', '']),
  ].join('\r\n')

const answer = (index: number): string =>
  [
    `HTTP/1.1 ${index % 7 === 0 ? '404 Not Found' : '200 OK'}`,
    'Server: nginx/1.22.1',
    'Date: Sun, 22 Nov 2026 19:00:00 GMT',
    'Content-Type: application/json; charset=utf-8',
    'Content-Length: 27',
    'Connection: keep-alive',
    '',
    '{"name": "shoes", "id": 42}',
  ].join('\r\n')

const hex = (index: number, digits: number): string => (index + 1).toString(16).padStart(digits, 'a')

/**
 * Events of keep-alive connections as the ring has them: requests with heads such as browsers send, answers such as nginx gives. With `isLoopback`
 * each is seen at both ends. Played again and again: only sequence and time go on.
 */
export function httpCapture({
  isLoopback,
  varying = 'mixed',
}: {
  readonly isLoopback: boolean
  readonly varying?: Varying
}) {
  const sides = isLoopback ? [false, true] : [false]
  const pieces: Buffer[] = []
  for (let round = 0; round < PER_CONNECTION; round++)
    for (let connection = 0; connection < CONNECTIONS; connection++) {
      const index = round * CONNECTIONS + connection
      const order = [
        ...sides.toReversed().map((isClient) => ({ isClient, isRequest: true })),
        ...sides.map((isClient) => ({ isClient, isRequest: false })),
      ]
      for (const { isClient, isRequest } of order) {
        const asked = varying === 'mixed' ? request(index) : steadyRequest(varying)
        pieces.push(event(connection, isClient, isRequest, isRequest ? asked : answer(index), isLoopback))
      }
    }
  const buffer = Buffer.concat(pieces)
  const lengths = pieces.map(({ length }) => length)
  const events = pieces.length
  const perRound = 2 * sides.length * CONNECTIONS
  const sequences = pieces.map(
    (_, index) => Math.floor(index / perRound) * 2 + Math.floor((index % (2 * sides.length)) / sides.length),
  )
  const numbers = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
  const counted = pieces.map((piece) => piece.indexOf(COUNTED))
  let count = 0
  let played = 0
  const transactions = CONNECTIONS * PER_CONNECTION
  return {
    events,
    transactions,
    spans: transactions * sides.length,
    bytes: buffer.length,
    /** As many bytes of JSON, a text for each event. */
    asJson: () => pieces.map((piece) => jsonOf(piece)),
    play(hear: (buffer: Buffer, at: number, length: number) => void): void {
      let at = 0
      const first = played * PER_CONNECTION * 2
      let time = played * events * 1000 + 1000
      let high = Math.floor(time / 0x1_0000_0000)
      time -= high * 0x1_0000_0000
      played++
      for (let index = 0; index < events; index++) {
        const length = lengths[index]!
        numbers.setUint32(at + AT.sequence, first + sequences[index]!, true)
        numbers.setUint32(at + 8, time, true)
        numbers.setUint32(at + 12, high, true)
        numbers.setUint32(at + AT.began, time - 300, true)
        numbers.setUint32(at + AT.began + 4, high, true)
        if (counted[index]! >= 0) writeDigits(buffer, at + counted[index]!, count++)
        hear(buffer, at, length)
        at += length
        time += 1000
        if (time < 0x1_0000_0000) continue
        time -= 0x1_0000_0000
        high++
      }
    },
  }
}

function writeDigits(buffer: Buffer, at: number, number: number): void {
  for (let digit = at + COUNTED.length - 1; digit >= at; digit--) {
    buffer[digit] = 0x30 + (number % 10)
    number = Math.floor(number / 10)
  }
}

function event(connection: number, isClient: boolean, isRequest: boolean, text: string, isLoopback: boolean): Buffer {
  const payload = Buffer.from(text)
  const event = Buffer.alloc((SOCKET_DATA_BYTES + payload.length + 7) & ~7)
  event.writeUInt16LE(EVENT_SOCKET_DATA, 0)
  event.writeUInt16LE(1, 2)
  event.writeUInt32LE(event.length, 4)
  const thread = 1000 + connection * 2 + (isClient ? 1 : 0)
  event.writeUInt32LE(thread, 16)
  event.writeUInt32LE(thread, 20)
  event.writeUInt32LE(connection * 2 + (isClient ? 1 : 0), AT.connection)
  event.writeUInt32LE(payload.length, AT.bytes)
  event.writeUInt16LE(payload.length, AT.captured)
  event.writeUInt8(isClient === isRequest ? DIRECTION_OUT : DIRECTION_IN, AT.direction)
  event.writeUInt8(PROTOCOL_HTTP1, AT.protocol)
  event.writeUInt8(DATA_STARTS_MESSAGE, AT.flags)
  event.writeUInt8(AF_INET, AT.family)
  const server = { address: [10, 0, 0, 1], port: 8080 }
  const client = { address: isLoopback ? [10, 0, 0, 1] : [10, 0, 0, 2], port: 20_000 + connection }
  const [local, remote] = isClient ? [client, server] : [server, client]
  event.writeUInt16LE(local.port, AT.local_port)
  event.writeUInt16LE(remote.port, AT.remote_port)
  Buffer.from(local.address).copy(event, AT.local_address)
  Buffer.from(remote.address).copy(event, AT.remote_address)
  event.write('nginx', AT.name)
  event.writeUInt8(TAIL_BYTES, AT.tail_bytes)
  payload.copy(event, AT.tail, payload.length - TAIL_BYTES)
  payload.copy(event, SOCKET_DATA_BYTES)
  return event
}

/** The head as fields of an object, and numbers for the rest, up to as many bytes. */
function jsonOf(event: Buffer): string {
  const [first, ...lines] = event.toString('latin1', SOCKET_DATA_BYTES).replace(/\0+$/, '').split('\r\n')
  const headers = Object.fromEntries(lines.filter((line) => line.includes(': ')).map((line) => line.split(': ', 2)))
  const text = JSON.stringify({ connection: 7, began: 123_456_789, first, headers })
  const missing = event.length - text.length - ',"n":[]'.length
  const numbers = missing > 1 ? Array.from({ length: Math.floor(missing / 4) }, (_, index) => 100 + (index % 900)) : []
  return JSON.stringify({ connection: 7, began: 123_456_789, first, headers, n: numbers })
}
