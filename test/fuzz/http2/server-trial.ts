import net from 'node:net'
import tls from 'node:tls'
import { GRPC_PATHS } from '../../../src/transport/otlp-paths.ts'
import { framed } from '../otlp/input.ts'
import { Finding } from '../target.ts'
import { MESSAGE } from './compose.ts'
import * as h2 from './frames.ts'
import type { Frame } from './frames.ts'
import type { Part } from './input.ts'

/** A server that is sound answers at once; where the machine has much else to do, within so many milliseconds. */
const PATIENCE = 10_000
/** How long one is waited for that may have nothing to say, as a frame is not yet whole. */
const QUIET = 60
const PROBE = Buffer.from('fuzzping')
/** Above all that the inputs use. */
const LAST_STREAM = 2 ** 31 - 1

const REQUEST = h2.block([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', GRPC_PATHS.traces],
  [':authority', 'localhost'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
])
const requestOn = (stream: number): Buffer =>
  Buffer.concat([
    h2.frameBytes(h2.frame(h2.HEADERS, h2.END_HEADERS, stream, REQUEST)),
    h2.frameBytes(h2.frame(h2.DATA, h2.END_STREAM, stream, framed(MESSAGE))),
  ])

/** Where the server listens. */
export interface Door {
  readonly port: number
  /** Behind TLS. */
  readonly secure: boolean
}

/** Milliseconds of the slowest sound answer. */
export interface Slowest {
  answer: number
}

/** Says what it is told to, on several connections at once, and judges how the server goes on. Gives a word for each connection. */
export async function tryServer(
  door: Door,
  connections: readonly (readonly Part[])[],
  isSound: boolean,
  slowest: Slowest,
): Promise<string[]> {
  const said = await Promise.all(connections.map((parts) => talk(door, parts, isSound)))
  const began = performance.now()
  await askAnew(door)
  slowest.answer = Math.max(slowest.answer, performance.now() - began)
  return said
}

async function talk(door: Door, parts: readonly Part[], isSound: boolean): Promise<string> {
  const connection = await Connection.open(door)
  try {
    return await converse(connection, parts, isSound)
  } finally {
    connection.close()
  }
}

async function converse(connection: Connection, parts: readonly Part[], isSound: boolean): Promise<string> {
  for (const { bytes } of parts) {
    await connection.write(bytes)
    if (connection.isOver) break
  }
  if (isSound) return judgeSound(connection, parts)
  await connection.write(h2.frameBytes(h2.frame(h2.PING, 0, 0, PROBE)))
  const isEcho = ({ type, flags, payload }: Frame): boolean =>
    type === h2.PING && (flags & h2.ACK) !== 0 && payload.equals(PROBE)
  await connection.until(() => connection.isOver || connection.frames.some(isEcho), QUIET)
  if (connection.isOver) return connection.end
  if (!connection.frames.some(isEcho)) return 'waits'
  await connection.write(requestOn(LAST_STREAM))
  const isAnswered = () =>
    connection.isOver ||
    connection.frames.some(({ stream, type }) => stream === LAST_STREAM && type !== h2.WINDOW_UPDATE)
  if (!(await connection.until(isAnswered, PATIENCE)))
    throw new Finding('deaf session', `it answers pings, but no request: ${connection.told}`)
  return connection.isOver ? connection.end : 'lives'
}

/** Every stream that the client ended has an answer of gRPC. */
async function judgeSound(connection: Connection, parts: readonly Part[]): Promise<string> {
  const bytes = Buffer.concat(parts.map((part) => part.bytes)).subarray(h2.PREFACE.length)
  const asked = new Set(h2.framesOf(bytes).flatMap(({ type, stream }) => (type === h2.HEADERS ? [stream] : [])))
  const ended = () =>
    connection.frames.filter(
      ({ type, flags, stream }) => type === h2.HEADERS && flags & h2.END_STREAM && asked.has(stream),
    )
  await connection.until(() => ended().length >= asked.size || connection.isOver, PATIENCE)
  if (ended().length < asked.size)
    throw new Finding('sound requests without answers', `${[...asked].join()}: ${connection.told}`)
  return 'sound'
}

/** A good request on a new connection. */
async function askAnew(door: Door): Promise<void> {
  const connection = await Connection.open(door)
  try {
    await connection.write(Buffer.concat([h2.PREFACE, h2.frameBytes(h2.frame(h2.SETTINGS, 0, 0)), requestOn(1)]))
    const isAnswered = () =>
      connection.frames.some(({ type, flags, stream }) => type === h2.HEADERS && stream === 1 && flags & h2.END_STREAM)
    if (!(await connection.until(isAnswered, PATIENCE)))
      throw new Finding('a good request without answer', connection.told)
  } finally {
    connection.close()
  }
}

class Connection {
  readonly frames: Frame[] = []
  readonly #socket: net.Socket
  readonly #reader = new h2.Frames((frame) => this.frames.push(frame))
  #isClosed = false
  #wake: () => void = () => {}

  private constructor(socket: net.Socket) {
    this.#socket = socket
    socket
      .on('error', () => {})
      .on('data', (bytes: Buffer) => {
        this.#reader.read(bytes)
        this.#wake()
      })
    const close = () => {
      this.#isClosed = true
      this.#wake()
    }
    socket.on('close', close).on('end', close)
    socket
      .on('connect', () => this.#wake())
      .on('secureConnect', () => this.#wake())
      .on('drain', () => this.#wake())
  }

  static async open({ port, secure }: Door): Promise<Connection> {
    const host = '127.0.0.1'
    const socket = secure
      ? tls.connect({ port, host, ALPNProtocols: ['h2'], rejectUnauthorized: false }).setNoDelay()
      : net.connect({ port, host, noDelay: true })
    const connection = new Connection(socket)
    let isOpen = false
    socket.once(secure ? 'secureConnect' : 'connect', () => (isOpen = true))
    await connection.until(() => connection.#isClosed || isOpen, PATIENCE)
    if (!isOpen || connection.#isClosed) throw new Finding('no connection', 'the server does not take a connection')
    return connection
  }

  get isOver(): boolean {
    return this.#isClosed || this.frames.some(({ type }) => type === h2.GOAWAY)
  }

  get end(): string {
    const goaway = this.frames.find(({ type }) => type === h2.GOAWAY)
    return goaway === undefined ? 'closed' : `goaway ${goaway.payload.readUInt32BE(4)}`
  }

  get told(): string {
    const state = this.#isClosed ? 'closed' : 'open'
    return [
      state,
      ...this.frames
        .slice(-20)
        .map(
          ({ type, flags, stream, payload }) =>
            `${type}/${flags} on ${stream}: ${payload.subarray(0, 40).toString('hex')}`,
        ),
    ].join('\n')
  }

  /** A turn of the event loop for each piece, so that connections take turns, and pieces arrive alone. */
  async write(bytes: Buffer): Promise<void> {
    if (!this.#isClosed && !this.#socket.destroyed) this.#socket.write(bytes)
    await new Promise((resolve) => setImmediate(resolve))
    const isTaken = () => this.#isClosed || this.#socket.writableLength < 2 ** 16
    if (!isTaken()) await this.until(isTaken, QUIET)
  }

  async until(holds: () => boolean, patience: number): Promise<boolean> {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      this.#wake()
    }, patience)
    try {
      while (!holds()) {
        if (isLate) return false
        await new Promise<void>((resolve) => (this.#wake = resolve))
      }
      return true
    } finally {
      clearTimeout(timer)
      this.#wake = () => {}
    }
  }

  close(): void {
    this.#socket.destroy()
  }
}
