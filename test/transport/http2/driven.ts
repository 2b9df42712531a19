import { Duplex } from 'node:stream'
import type { TestContext } from 'node:test'
import { Slab } from '../../../src/data/memory/slab.ts'
import { greeting } from '../../../src/transport/http2/greeting.ts'
import { ServerSession } from '../../../src/transport/http2/server-session.ts'
import { quiet } from '../quiet.ts'
import { END_STREAM, frame, framesIn, PREFACE, TYPE } from '../raw-http2.ts'
import type { Received } from '../raw-http2.ts'
import { data, framed, headers, PATH } from './serving.ts'

export const MIB = 2 ** 20
export const PATIENCE = 60_000

/** A session without a socket, on a clock that the test turns. */
export class Driven {
  now = 0
  readonly written: Buffer[] = []
  readonly answer: (() => void)[] = []
  readonly socket: Duplex
  readonly #session: ServerSession
  #sent = 0

  constructor(t: TestContext) {
    t.mock.method(performance, 'now', () => this.now)
    this.socket = new Duplex({
      read() {},
      write: (bytes: Buffer, _encoding, done) => {
        this.written.push(Buffer.from(bytes))
        done()
      },
    })
    const slab = (bytes: number) => new Slab(Buffer.alloc(bytes))
    const take = () => new Promise<Buffer>((resolve) => this.answer.push(() => resolve(Buffer.alloc(0))))
    const never = { max_connection_idle: 0, max_connection_age: 0, max_connection_age_grace: 0, time: 0, timeout: 0 }
    const service = {
      methods: new Map([[PATH, { room: slab, reserve: slab, take }]]),
      log: quiet,
      greeting: greeting(100),
      authenticator: undefined,
      limiter: undefined,
      onRejected() {},
      largest: 64 * MIB,
      mostStreams: 100,
      patience: PATIENCE,
      keepalive: never,
      pings: { min_time: 0, permit_without_stream: true },
      due() {},
    }
    this.#session = new ServerSession(this.socket, service, 'client', undefined, 0)
    this.read(Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0)]))
  }

  get frames(): Received[] {
    return framesIn(Buffer.concat(this.written)).frames
  }

  read(bytes: Buffer): void {
    this.#session.read(bytes)
  }

  /** What was promised has happened, and is written. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve))
  }

  async lookAt(now: number): Promise<void> {
    this.now = now
    this.#session.look(now)
    await this.settle()
  }

  /** Sends so many bytes of a message, or as many as there is credit for; those that it has sent. */
  async send(stream: number, bytes: number, flags = 0): Promise<number> {
    for (let left = bytes; left > 0;) {
      const piece = Math.min(left, 256 * 1024, this.window)
      if (piece === 0) return bytes - left
      left -= piece
      this.#sent += piece
      this.read(data(stream, Buffer.alloc(piece), left === 0 ? flags : 0))
      await this.settle()
    }
    return bytes
  }

  begin(stream: number, length: number): void {
    const prefix = framed('', 0, length)
    this.#sent += prefix.length
    this.read(Buffer.concat([headers(stream), data(stream, prefix, 0)]))
  }

  /** Credit of the connection. */
  get window(): number {
    const given = this.frames.filter(({ type, stream }) => type === TYPE.windowUpdate && stream === 0)
    return given.reduce((sum, { payload }) => sum + payload.readUInt32BE(), 65_535) - this.#sent
  }

  hasEnded(stream: number): boolean {
    return this.frames.some((each) => each.stream === stream && (each.flags & END_STREAM) !== 0)
  }
}
