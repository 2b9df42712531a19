import { GRPC_PATHS, HTTP_PATHS } from '../../../src/transport/otlp-paths.ts'
import type { Signal } from '../../../src/data/signal.ts'
import type { Random } from '../random.ts'

/** What a sender writes to its connection for a request. */
export function requestBytes(via: 'bytes-grpc' | 'bytes-http', signal: Signal, body: Buffer, random: Random): Buffer {
  return via === 'bytes-grpc' ? http2(GRPC_PATHS[signal], body) : http1(HTTP_PATHS[signal], body, random.once(2))
}

function http1(path: string, body: Buffer, chunked: boolean): Buffer {
  const length = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n${length}\r\n\r\n`
  const half = body.length >> 1
  const parts = chunked ? [chunk(body.subarray(0, half)), chunk(body.subarray(half)), Buffer.from('0\r\n\r\n')] : [body]
  return Buffer.concat([Buffer.from(head), ...parts])
}

const chunk = (bytes: Buffer): Buffer =>
  bytes.length === 0
    ? bytes
    : Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])

const DATA = 0
const HEADERS = 1
const SETTINGS = 4
const PING = 6
const WINDOW_UPDATE = 8
const CONTINUATION = 9
const END_STREAM = 1
const END_HEADERS = 4
const ACK = 1

/** A connection by RFC 9113: the preface, settings, a request in two header frames and one of data, and some frames around them. */
function http2(path: string, body: Buffer): Buffer {
  const block = Buffer.concat([
    literal(':method', 'POST'),
    literal(':scheme', 'http'),
    literal(':path', path),
    literal(':authority', 'localhost'),
    literal('content-type', 'application/grpc'),
    literal('te', 'trailers'),
  ])
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(SETTINGS, 0, 0, Buffer.from('000300000064', 'hex')),
    frame(SETTINGS, ACK, 0, Buffer.alloc(0)),
    frame(WINDOW_UPDATE, 0, 0, Buffer.from('00010000', 'hex')),
    frame(HEADERS, 0, 1, block.subarray(0, 20)),
    frame(CONTINUATION, END_HEADERS, 1, block.subarray(20)),
    frame(PING, 0, 0, Buffer.alloc(8, 7)),
    frame(DATA, END_STREAM, 1, body),
  ])
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A header field by RFC 7541, 6.2.2: a literal that is not indexed, of fewer than 127 bytes. */
const literal = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)])
