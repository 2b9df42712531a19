import { gzipSync } from 'node:zlib'
import { GRPC_PATHS } from '../../../src/transport/otlp-paths.ts'
import { framed } from '../otlp/input.ts'
import type { Random } from '../random.ts'
import * as h2 from './frames.ts'
import type { Frame } from './frames.ts'

/** Bytes of a request that fits the fuzzed Telegen: a span without attributes. */
export const MESSAGE = Buffer.from(
  '0a2012 1e 12 1c 0a10 5b8efff798038103d269b633813fc60c 1208 eee19b7ec3c1b174'.replaceAll(' ', ''),
  'hex',
)
const LARGE = 40_000
const SETTING_VALUES = [
  0,
  1,
  100,
  16_383,
  16_384,
  65_535,
  2 ** 20,
  2 ** 24 - 1,
  2 ** 24,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
]
const TYPES = ['application/grpc', 'application/grpc+proto', 'application/grpc', 'application/json', '']
const TIMEOUTS = ['5S', '1m', '0n', '99999999H', '1', 'S', '-1S', '123456789S']
const CODINGS = ['gzip', 'identity', 'zstd', 'deflate', 'snappy', 'unheard']
const CODES = [0, 1, 2, 3, 5, 7, 8, 11, 14, 0xffff_ffff]

/** What a client might say, most of it right: requests whose frames are mixed, with others in between. */
export function composeClient(random: Random): Frame[] {
  const streams = Array.from({ length: 1 + random.below(6) }, (_, index) => request(random, 1 + 2 * index))
  const others = Array.from({ length: random.below(6) }, () => control(random, 1 + 2 * random.below(streams.length)))
  return [
    h2.frame(h2.SETTINGS, 0, 0, settings(random)),
    ...mixed(random, [...streams, ...others.map((each) => [each])]),
  ]
}

/** What a server might answer to requests on the first streams. */
export function composeServer(random: Random): Frame[] {
  const streams = Array.from({ length: 1 + random.below(4) }, (_, index) => answer(random, 1 + 2 * index))
  const others = Array.from({ length: random.below(6) }, () => control(random, 1 + 2 * random.below(streams.length)))
  return [
    h2.frame(h2.SETTINGS, 0, 0, settings(random)),
    ...mixed(random, [...streams, ...others.map((each) => [each])]),
  ]
}

/** One of many rows after the other, each in its order. Header blocks are not torn apart: nothing may come between their frames. */
function mixed(random: Random, rows: readonly (readonly Frame[])[]): Frame[] {
  const left = rows.map((row) => [...row])
  const result: Frame[] = []
  while (left.some(({ length }) => length > 0)) {
    const row = random.pick(left.filter(({ length }) => length > 0))
    let next = row.shift() as Frame
    result.push(next)
    while (
      (next.type === h2.HEADERS || next.type === h2.CONTINUATION) &&
      !(next.flags & h2.END_HEADERS) &&
      row.length > 0
    )
      result.push((next = row.shift() as Frame))
  }
  return result
}

function request(random: Random, stream: number): Frame[] {
  const fields: [string, string][] = [
    [':method', random.once(20) ? random.pick(['GET', 'OPTIONS', 'post', '']) : 'POST'],
    [':scheme', random.once(20) ? 'ftp' : 'http'],
    [':path', random.once(10) ? random.pick(['/', '', '*', '/x/y']) : random.pick(Object.values(GRPC_PATHS))],
    [':authority', 'localhost'],
    ['content-type', random.pick(TYPES)],
    ['te', random.once(20) ? 'gzip' : 'trailers'],
  ]
  const coding = random.once(4) ? random.pick(CODINGS) : undefined
  if (coding !== undefined) fields.push(['grpc-encoding', coding])
  if (random.once(4)) fields.push(['grpc-timeout', random.pick(TIMEOUTS)])
  if (random.once(10)) fields.push(random.pick(ODD_FIELDS))
  const message = random.once(5) ? Buffer.concat([MESSAGE, Buffer.alloc(random.below(LARGE))]) : MESSAGE
  const body = coding === undefined ? framed(message) : framed(gzipSync(message, { level: 1 }), random.once(8) ? 0 : 1)
  const isEmpty = random.once(20)
  const frames = headers(random, stream, h2.block(fields), isEmpty)
  if (!isEmpty) frames.push(...data(random, stream, body, !random.once(12)))
  if (random.once(8)) frames.push(h2.frame(h2.RST_STREAM, 0, stream, h2.uint32(random.pick(CODES))))
  return frames
}

const ODD_FIELDS: readonly [string, string][] = [
  ['connection', 'close'],
  ['Upper', 'case'],
  ['x', 'line\r\nfeed'],
  ['', 'empty'],
  [':late', 'pseudo'],
  [':path', '/again'],
  ['content-length', '5'],
  ['content-length', '-1'],
  ['x-bin', '@@@'],
  ['x-long', 'y'.repeat(9000)],
  ['x-longer', 'y'.repeat(70_000)],
]

function answer(random: Random, stream: number): Frame[] {
  const isOnlyTrailers = random.once(4)
  const status: [string, string][] = [
    ['grpc-status', random.pick(['0', '0', '8', '14', '16', '99', 'x', ''])],
    ['grpc-message', random.pick(['', 'full%20up', '%', '%zz', 'x'.repeat(random.below(5000))])],
  ]
  if (random.once(4)) status.push(['grpc-status-details-bin', random.pick(['', 'CAgSBGZ1bGw', '@@', 'A'.repeat(3000)])])
  const first: [string, string][] = [
    [':status', random.once(8) ? random.pick(['100', '103', '404', '503', '99', '']) : '200'],
    ['content-type', random.once(8) ? 'text/html' : 'application/grpc'],
  ]
  if (isOnlyTrailers) return headers(random, stream, h2.block([...first, ...status]), true)
  const body = framed(random.once(3) ? Buffer.alloc(random.below(LARGE)) : NO_ANSWER, random.once(10) ? 1 : 0)
  return [
    ...headers(random, stream, h2.block(first), false),
    ...data(random, stream, body, random.once(10)),
    ...(random.once(8) ? [] : headers(random, stream, h2.block(status), true)),
  ]
}

const NO_ANSWER = Buffer.alloc(0)

function headers(random: Random, stream: number, block: Buffer, isEnd: boolean): Frame[] {
  const flags = isEnd ? h2.END_STREAM : 0
  const first = random.once(3) ? random.below(block.length + 1) : Math.min(block.length, 16_384)
  const [begin, rest] = [block.subarray(0, first), block.subarray(first)]
  const [prefix, suffix, more] = decoration(random, true, stream)
  const frames = [h2.frame(h2.HEADERS, flags | more, stream, Buffer.concat([...prefix, begin, ...suffix]))]
  for (let at = 0; at < rest.length;) {
    const length = random.once(3) ? random.below(200) + 1 : 16_384
    frames.push(h2.frame(h2.CONTINUATION, 0, stream, rest.subarray(at, at + length)))
    at += length
  }
  const last = frames.at(-1) as Frame
  return [...frames.slice(0, -1), { ...last, flags: last.flags | h2.END_HEADERS }]
}

/** In pieces of any size, some of them empty. */
function data(random: Random, stream: number, body: Buffer, isEnd: boolean): Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at < body.length;) {
    const length = random.once(2) ? 16_000 : random.below(1000)
    const [prefix, suffix, more] = decoration(random, false, stream)
    frames.push(h2.frame(h2.DATA, more, stream, Buffer.concat([...prefix, body.subarray(at, at + length), ...suffix])))
    at += length
  }
  if (isEnd) frames.push({ ...(frames.pop() as Frame) })
  const last = frames.at(-1) as Frame
  return isEnd ? [...frames.slice(0, -1), { ...last, flags: last.flags | h2.END_STREAM }] : frames
}

function decoration(random: Random, mayDepend: boolean, stream: number): [Buffer[], Buffer[], number] {
  const padding = random.once(8) ? random.below(256) : -1
  const depends = mayDepend && random.once(8)
  const prefix: Buffer[] = padding < 0 ? [] : [Buffer.of(padding)]
  if (depends) prefix.push(h2.uint32(random.once(8) ? stream : 0), Buffer.of(random.below(256)))
  const flags = (padding < 0 ? 0 : h2.PADDED) | (depends ? h2.WITH_PRIORITY : 0)
  return [prefix, padding < 0 ? [] : [Buffer.alloc(padding)], flags]
}

function settings(random: Random): Buffer {
  const entries = Array.from({ length: random.below(4) }, () =>
    h2.setting(1 + random.below(8), random.pick(SETTING_VALUES)),
  )
  return Buffer.concat(entries)
}

/** A frame that is no request. */
export function control(random: Random, stream: number): Frame {
  const frames = [
    () => h2.frame(h2.SETTINGS, 0, 0, settings(random)),
    () => h2.frame(h2.SETTINGS, h2.ACK, 0),
    () => h2.frame(h2.PING, random.once(4) ? h2.ACK : 0, 0, random.bytes(8)),
    () => h2.frame(h2.WINDOW_UPDATE, 0, random.once(2) ? 0 : stream, h2.uint32(random.pick(SETTING_VALUES))),
    () => h2.frame(h2.PRIORITY, 0, stream, Buffer.concat([h2.uint32(random.below(9)), random.bytes(1)])),
    () => h2.frame(h2.RST_STREAM, 0, stream, h2.uint32(random.pick(CODES))),
    () =>
      h2.frame(
        h2.GOAWAY,
        0,
        0,
        Buffer.concat([h2.uint32(random.below(9)), h2.uint32(random.pick(CODES)), random.bytes(5)]),
      ),
    () => h2.frame(h2.PUSH_PROMISE, h2.END_HEADERS, stream, Buffer.concat([h2.uint32(2), Buffer.of(0x82)])),
    () => h2.frame(10 + random.below(246), random.below(256), stream, random.bytes(random.below(50))),
  ]
  return random.pick(frames)()
}
