import { readFileSync, readdirSync } from 'node:fs'
import { mutate } from '../mutate.ts'
import type { Random } from '../random.ts'
import { composeClient, composeServer } from './compose.ts'
import { PREFACE, frameBytes, framesOf } from './frames.ts'
import type { Frame } from './frames.ts'
import { mutateFrames } from './mutations.ts'

export interface Part {
  readonly bytes: Buffer
  /** Of a server's: the client has opened this stream before. */
  readonly after: number
}

export interface Http2Input {
  /** Who is spoken to: Telegen's server or its client. */
  readonly to: 'server' | 'client'
  /** What is said on connections of the same time, in pieces. To the client there is one. */
  readonly connections: readonly (readonly Part[])[]
  /** Nothing is wrong with it. */
  readonly sound: boolean
  /** Over TLS. */
  readonly secure: boolean
}

const MOST_CONNECTIONS = 3
/** One in so many goes over TLS. */
const SECURE = 4
/** Streams that the fuzzed client opens on its connection, at least. */
const OPENED = 5
const LARGEST_PIECE = 4000

interface Conversation {
  readonly client: readonly Frame[]
  readonly server: readonly Frame[]
}

const FOLDER = new URL('captures/', import.meta.url)

const conversations: readonly Conversation[] = readdirSync(FOLDER)
  .sort()
  .map((file) => {
    const { client, server } = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Record<string, string>
    return {
      client: framesOf(Buffer.from(client ?? '', 'base64').subarray(PREFACE.length)),
      server: framesOf(Buffer.from(server ?? '', 'base64')),
    }
  })

export function makeInput(random: Random): Http2Input {
  const sound = random.once(10)
  const toClient = random.once(2)
  const connections = toClient
    ? [said(random, 'server', sound)]
    : Array.from({ length: 1 + random.below(MOST_CONNECTIONS) }, () => said(random, 'client', sound))
  return { to: toClient ? 'client' : 'server', connections, sound, secure: random.once(SECURE) }
}

function said(random: Random, by: 'client' | 'server', sound: boolean): Part[] {
  const captured = () => random.pick(conversations)[by]
  const composed = by === 'client' ? composeClient : composeServer
  const whole = sound || random.once(2) ? captured() : composed(random)
  const frames =
    sound || random.once(6) ? whole : mutateFrames(whole, random, random.once(2) ? captured() : composed(random))
  const preface = by === 'client' ? [{ bytes: PREFACE, after: 0 }] : []
  const parts = [
    ...preface,
    ...frames.map((frame) => ({ bytes: frameBytes(frame), after: by === 'client' ? 0 : opened(frame) })),
  ]
  if (sound || !random.once(6)) return cut(random, joined(parts))
  const bytes = mutate(Buffer.concat(parts.map((part) => part.bytes)), random, [frameBytes(random.pick(captured()))])
  return cut(random, [{ bytes, after: by === 'client' ? 0 : 1 }])
}

const opened = ({ stream }: Frame): number => (stream % 2 === 1 && stream < 2 * OPENED ? stream : 0)

/** Those next to each other that wait for the same. */
function joined(parts: readonly Part[]): Part[] {
  const result: Part[] = []
  for (const { bytes, after } of parts) {
    const last = result.at(-1)
    if (last?.after === after) result.splice(-1, 1, { bytes: Buffer.concat([last.bytes, bytes]), after })
    else result.push({ bytes, after })
  }
  return result
}

/** Into pieces of any size, or left whole. */
function cut(random: Random, parts: readonly Part[]): Part[] {
  if (random.once(3)) return [...parts]
  const most = random.once(3) ? 8 : LARGEST_PIECE
  return parts.flatMap(({ bytes, after }) => {
    const pieces: Part[] = []
    for (let at = 0; at < bytes.length;) {
      // Small pieces of what is large would take forever.
      const length = 1 + random.below(Math.max(most, bytes.length >> 7))
      pieces.push({ bytes: bytes.subarray(at, at + length), after })
      at += length
    }
    return pieces
  })
}

/** In the clear, without a connection, without a frame, without cuts. */
export function* smallerInputs(whole: Http2Input): Iterable<Http2Input> {
  const input = { ...whole, sound: false }
  if (input.secure) yield { ...input, secure: false }
  const { connections } = input
  if (connections.length > 1)
    for (const index of connections.keys()) yield { ...input, connections: connections.toSpliced(index, 1) }
  for (const [index, parts] of connections.entries()) {
    const whole = joined(parts)
    if (whole.length < parts.length) yield { ...input, connections: connections.with(index, whole) }
    for (let length = parts.length >> 1; length >= 1; length >>= 1)
      for (let at = 0; at < parts.length; at += length)
        yield { ...input, connections: connections.with(index, parts.toSpliced(at, length)) }
    yield* withoutFrames(input, index)
  }
}

function* withoutFrames(input: Http2Input, index: number): Iterable<Http2Input> {
  const parts = input.connections[index] as readonly Part[]
  for (const [at, { bytes, after }] of parts.entries()) {
    const preface = bytes.subarray(0, PREFACE.length).equals(PREFACE) ? PREFACE : Buffer.alloc(0)
    const frames = framesOf(bytes.subarray(preface.length))
    for (const frame of frames.keys()) {
      const rest = Buffer.concat([preface, ...frames.toSpliced(frame, 1).map(frameBytes)])
      yield { ...input, connections: input.connections.with(index, parts.with(at, { bytes: rest, after })) }
    }
  }
}

export const inputText = (input: Http2Input): string =>
  `${JSON.stringify(input, (_key, value: unknown) => (isBuffer(value) ? Buffer.from(value.data).toString('hex') : value), 1)}\n`

const isBuffer = (value: unknown): value is { readonly data: number[] } =>
  (value as { type?: unknown } | null)?.type === 'Buffer'

export function readInput(text: string): Http2Input {
  return JSON.parse(text, (key, value: unknown) =>
    key === 'bytes' ? Buffer.from(value as string, 'hex') : value,
  ) as Http2Input
}
