import net from 'node:net'
import { GRPC_PATHS } from '../../src/transport/otlp-paths.ts'
import { MESSAGE } from '../fuzz/http2/compose.ts'
import * as h2 from '../fuzz/http2/frames.ts'
import type { Frame } from '../fuzz/http2/frames.ts'
import { framed } from '../fuzz/otlp/input.ts'
import type { Random } from '../fuzz/random.ts'

export interface Tally {
  answered: number
  refused: number
  reset: number
  brokenOff: number
  goneAtOnce: number
  drained: number
  connections: number
  /** Connections that the server ended. */
  ended: number
}

const CANCEL = 8
const MOST_REQUESTS = 60
/** Under way on a connection. */
const MOST_OPEN = 20
const PATIENCE = 20_000
const LARGE = 20_000
/** Milliseconds between connections, at most: it is about time, not about load. */
const PAUSE = 100

/** Connects, asks, changes its mind, and goes, again and again. A request that it stays for must be answered. */
export class RestlessClient {
  readonly #port: number
  readonly #random: Random
  readonly #tally: Tally
  #socket: net.Socket | undefined
  /** Streams that an answer is waited for on. */
  readonly #open = new Set<number>()
  #isOver = false
  #wake: () => void = () => {}

  constructor(port: number, random: Random, tally: Tally) {
    this.#port = port
    this.#random = random
    this.#tally = tally
  }

  /** Rejects where the server lets it down. */
  async run(until: number): Promise<void> {
    while (performance.now() < until) {
      await this.#connection()
      await new Promise((resolve) => setTimeout(resolve, this.#random.below(PAUSE)))
    }
  }

  async #connection(): Promise<void> {
    const reader = new h2.Frames((frame) => socket === this.#socket && this.#take(frame))
    const socket = net.connect({ port: this.#port, host: '127.0.0.1', noDelay: true })
    this.#socket = socket
    this.#isOver = false
    this.#open.clear()
    this.#tally.connections++
    socket.on('error', () => {}).on('data', (bytes: Buffer) => reader.read(bytes))
    socket.on('close', () => {
      // The last one may close when the next is there.
      if (socket !== this.#socket) return
      this.#isOver = true
      this.#wake()
    })
    socket.write(Buffer.concat([h2.PREFACE, h2.frameBytes(h2.frame(h2.SETTINGS, 0, 0))]))
    const requests = this.#random.below(MOST_REQUESTS)
    for (let index = 0; index < requests && !this.#isOver; index++) {
      this.#request(1 + 2 * index)
      await this.#until(() => this.#open.size < MOST_OPEN)
      if (this.#random.once(40)) break
    }
    await this.#leave(socket)
  }

  #request(stream: number): void {
    const message = this.#random.once(6) ? Buffer.concat([MESSAGE, unknownField(this.#random.below(LARGE))]) : MESSAGE
    const body = framed(message)
    this.#send(h2.frame(h2.HEADERS, h2.END_HEADERS, stream, REQUEST))
    const chance = this.#random.below(24)
    if (chance === 0) {
      this.#send(h2.frame(h2.DATA, 0, stream, body.subarray(0, this.#random.below(body.length))))
      return this.#cancel(stream)
    }
    for (let at = 0; at < body.length; at += DEFAULT_FRAME)
      this.#send(
        h2.frame(
          h2.DATA,
          at + DEFAULT_FRAME >= body.length ? h2.END_STREAM : 0,
          stream,
          body.subarray(at, at + DEFAULT_FRAME),
        ),
      )
    if (chance === 1) return this.#cancel(stream)
    this.#open.add(stream)
  }

  #cancel(stream: number): void {
    this.#tally.reset++
    this.#send(h2.frame(h2.RST_STREAM, 0, stream, h2.uint32(CANCEL)))
  }

  /** Goes with requests under way, or in the midst of a message, or says that it goes and waits for what it asked. */
  async #leave(socket: net.Socket): Promise<void> {
    if (this.#random.once(4)) this.#tally.goneAtOnce++
    else if (this.#random.once(3)) {
      this.#tally.brokenOff++
      this.#send(h2.frame(h2.HEADERS, h2.END_HEADERS, 100_001, REQUEST))
      socket.write(h2.frameBytes({ ...h2.frame(h2.DATA, 0, 100_001, framed(MESSAGE)), length: 5000 }))
      await new Promise((resolve) => setImmediate(resolve))
    } else {
      await this.#until(() => this.#open.size === 0)
      if (!this.#isOver) this.#tally.drained++
      this.#send(h2.frame(h2.GOAWAY, 0, 0, Buffer.concat([h2.uint32(0), h2.uint32(0)])))
      socket.end()
    }
    if (this.#isOver) this.#tally.ended++
    socket.destroy()
  }

  #take({ type, flags, stream, payload }: Frame): void {
    if (type === h2.SETTINGS && !(flags & h2.ACK)) this.#send(h2.frame(h2.SETTINGS, h2.ACK, 0))
    if (type === h2.PING && !(flags & h2.ACK)) this.#send(h2.frame(h2.PING, h2.ACK, 0, payload))
    // Too many resets: the server has had enough of this connection, and says so. A good one begins anew.
    if (type === h2.GOAWAY) this.#isOver = true
    const isEnd = type === h2.RST_STREAM || (type === h2.HEADERS && flags & h2.END_STREAM)
    if (isEnd && this.#open.delete(stream)) {
      if (type === h2.RST_STREAM) this.#tally.refused++
      else this.#tally.answered++
    }
    this.#wake()
  }

  #send(frame: Frame): void {
    if (this.#socket?.destroyed === false) this.#socket.write(h2.frameBytes(frame))
  }

  async #until(holds: () => boolean): Promise<void> {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      this.#wake()
    }, PATIENCE)
    while (!holds() && !this.#isOver) {
      if (isLate) throw new Error(`no answer on the streams ${[...this.#open].join()} for ${PATIENCE} ms`)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    clearTimeout(timer)
  }
}

const DEFAULT_FRAME = 16_384
const REQUEST = h2.block([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', GRPC_PATHS.traces],
  [':authority', 'localhost'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
])

/** A field that nobody knows makes a message as large as one likes. */
function unknownField(length: number): Buffer {
  return Buffer.concat([
    Buffer.of(0xfa, 0x3f, (length & 0x7f) | 0x80, (length >> 7) | 0x80, length >> 14),
    Buffer.alloc(length),
  ])
}
