import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { compressSync } from 'snappy'
import { SIGNALS } from '../../../src/data/signal.ts'
import type { Signal } from '../../../src/data/signal.ts'
import { mutate, smallerBytes } from '../mutate.ts'
import type { Random } from '../random.ts'
import type { Corpus } from './corpus.ts'
import { requestBytes } from './raw.ts'
import { tornJson } from './torn-json.ts'

/** What is sent to Telegen. */
export interface OtlpInput {
  /** `bytes`: written to the port as they are, whatever they are. */
  readonly via: 'grpc' | 'http' | 'bytes-grpc' | 'bytes-http'
  /** `work`: behind it everything opens requests and makes new ones of them; `pass`: they go on as they came. */
  readonly receiver: 'work' | 'pass'
  readonly signal: Signal
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Nothing is wrong with it: it must be taken. */
  readonly sound: boolean
}

const JSON_TYPE = 'application/json'
const PROTOBUF_TYPE = 'application/x-protobuf'
/** What a bomb inflates to: far beyond the largest message that the fuzzed Telegen takes. */
const BOMB = 24 * 1024 * 1024

const CODINGS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => gzipSync(bytes, { level: 1 }),
  zlib: (bytes) => deflateSync(bytes, { level: 1 }),
  deflate: (bytes) => deflateSync(bytes, { level: 1 }),
  zstd: (bytes) => zstdCompressSync(bytes),
  snappy: (bytes) => compressSync(bytes),
}
const NAMES = Object.keys(CODINGS)

export function makeInput(random: Random, corpus: Corpus): OtlpInput {
  const signal = random.pick(SIGNALS)
  const receiver = random.once(3) ? 'pass' : 'work'
  const where = { receiver, signal } as const
  if (random.once(20)) return bytesInput(random, corpus, where)
  if (random.once(2)) return grpcInput(random, corpus, where)
  return httpInput(random, corpus, where)
}

type Where = Pick<OtlpInput, 'receiver' | 'signal'>

function httpInput(random: Random, corpus: Corpus, where: Where): OtlpInput {
  const isJson = random.once(2)
  const sounds = corpus[where.signal][isJson ? 'json' : 'wire']
  const sound = random.once(8)
  const whole = random.pick(sounds)
  const broken = () => (isJson && random.once(2) ? tornJson(whole, random) : mutate(whole, random, sounds))
  const body = sound ? whole : broken()
  const headers = { 'content-type': isJson ? JSON_TYPE : PROTOBUF_TYPE }
  if (random.once(40)) return bomb(random, { ...where, via: 'http', headers, body, sound: false })
  if (!random.once(4)) return { ...where, via: 'http', headers, body, sound }
  const coding = random.pick(NAMES)
  const packed = CODINGS[coding]!(body)
  const torn = random.once(3)
  return {
    ...where,
    via: 'http',
    headers: { ...headers, 'content-encoding': coding },
    body: torn ? mutate(packed, random, [packed]) : packed,
    sound: sound && !torn,
  }
}

function bomb(random: Random, input: OtlpInput): OtlpInput {
  const coding = random.pick(NAMES)
  const body = CODINGS[coding]!(Buffer.alloc(BOMB, random.pick([0, 0x0a, 0x20, 0x5b])))
  return { ...input, headers: { ...input.headers, 'content-encoding': coding }, body }
}

/** A message in gRPC's frame: a flag whether it is compressed, and its length. */
export function framed(message: Buffer, flag = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5)
  head[0] = flag
  head.writeUInt32BE(length >>> 0, 1)
  return Buffer.concat([head, message])
}

function grpcInput(random: Random, corpus: Corpus, where: Where): OtlpInput {
  const sounds = corpus[where.signal].wire
  const sound = random.once(8)
  const message = sound ? random.pick(sounds) : mutate(random.pick(sounds), random, sounds)
  const packs = random.once(6)
  const headers = { 'content-type': 'application/grpc', te: 'trailers', ...(packs && { 'grpc-encoding': 'gzip' }) }
  const whole = packs ? framed(gzipSync(message, { level: 1 }), 1) : framed(message)
  if (sound || !random.once(8)) return { ...where, via: 'grpc', headers, body: whole, sound }
  const frames = [
    () => mutate(whole, random, [whole]),
    () => framed(message, random.below(256)),
    () => framed(message, 0, message.length + random.below(9) - 4),
    () => framed(message, 0, random.pick([0, 0x7fffffff, 0x80000000, 0xffffffff])),
    () => Buffer.concat([whole, whole]),
    () => framed(gzipSync(Buffer.alloc(BOMB)), 1),
    () => whole.subarray(0, random.below(6)),
  ]
  return { ...where, via: 'grpc', headers, body: random.pick(frames)(), sound: false }
}

/** What a sender writes to its connection, mutated as a whole: frames, header lines, chunk sizes. */
function bytesInput(random: Random, corpus: Corpus, where: Where): OtlpInput {
  const via = random.once(2) ? 'bytes-grpc' : 'bytes-http'
  const message = random.pick(corpus[where.signal].wire).subarray(0, 4096)
  const whole = requestBytes(via, where.signal, via === 'bytes-grpc' ? framed(message) : message, random)
  return { ...where, via, headers: {}, body: mutate(whole, random, [whole]), sound: false }
}

export function* smallerInputs(input: OtlpInput): Iterable<OtlpInput> {
  if (input.via === 'grpc') {
    for (const message of smallerBytes(input.body.subarray(5))) yield { ...input, body: framed(message, input.body[0]) }
    return
  }
  for (const body of smallerBytes(input.body)) yield { ...input, body }
}

export const inputText = (input: OtlpInput): string =>
  `${JSON.stringify({ ...input, body: input.body.toString('base64') }, null, 2)}\n`

export function readInput(text: string): OtlpInput {
  const read = JSON.parse(text) as OtlpInput & { readonly body: string }
  return { ...read, body: Buffer.from(read.body, 'base64') }
}
