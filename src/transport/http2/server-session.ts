import type { Duplex } from 'node:stream'
import type { AuthenticationData } from '../../component/authentication.ts'
import { Answers } from './answers.ts'
import type { Connection } from './connection.ts'
import { writeGoaway, writePing, writeSettingsAck } from './control-frames.ts'
import { cuts, idleFrames } from './flood.ts'
import { mustHave, protocolError } from './frame-faults.ts'
import { FrameReader } from './frame-reader.ts'
import type { FrameHandler } from './frame-reader.ts'
import * as frames from './frames.ts'
import { ConnectionError, readUint32 } from './frames.ts'
import { HeaderBlock } from './header-block.ts'
import { DATA_LIMIT, HEADER_LIST, HEADER_TABLE, OTHER_LIMIT } from './greeting.ts'
import { HeaderDecoder } from './hpack/decoder.ts'
import { Keepalive, PingLimit } from './keepalive.ts'
import { Outbox } from './outbox.ts'
import { ReceiveCredit } from './receive-credit.ts'
import { ServerStreams } from './server-streams.ts'
import type { Service } from './service.ts'
import { PeerSettings } from './settings.ts'
import { Waits } from './waits.ts'
import { SendWindows } from './windows.ts'

/** What may wait for a client to take it, before nothing more is read of it. */
const MOST_UNSENT = 2 * 2 ** 20
/** Frames that are read in a row: a client that sends without end leaves the event loop to others after so many. */
const FRAMES_A_TURN = 1000
/** SETTINGS cost an answer, and may change the window of each stream. */
const COST_OF_SETTINGS = 10
/** Clients that have nothing under way do not always answer a ping after a GOAWAY; in milliseconds. */
const DRAIN_TIME = 250
/** How long a client may take to close its side of a connection that we have ended, in milliseconds. */
const LINGER = 1000

const KEEPALIVE_PING = Buffer.from('alive???', 'latin1')
const DRAIN_PING = Buffer.from('draining', 'latin1')

/** A connection of a client of gRPC: HTTP/2 (RFC 9113), as much of it as unary requests need. */
export class ServerSession implements FrameHandler, Connection {
  readonly service: Service
  readonly peer: string
  readonly auth: AuthenticationData | undefined
  readonly outbox: Outbox
  readonly windows: SendWindows
  readonly answers: Answers
  readonly credit = new ReceiveCredit()
  readonly idleFrames
  readonly cuts
  /** When it is to be looked at, at the latest. */
  next = Infinity
  readonly #socket: Duplex
  readonly #streams: ServerStreams
  readonly #reader: FrameReader
  readonly #block = new HeaderBlock()
  readonly #decoder = new HeaderDecoder({ tableSize: HEADER_TABLE, listSize: HEADER_LIST })
  readonly #settings = new PeerSettings('client')
  readonly #keepalive: Keepalive
  readonly #pings: PingLimit
  #now: number
  /** Octets of the preface that have come, and whether its SETTINGS have. */
  #prefaced = 0
  #hasSettings = false
  readonly #waits: Waits
  #frames = 0
  /** How many had been read when the others last had their turn. */
  #yieldedAt = 0
  #drainedBy = Infinity
  #state: 'open' | 'draining' | 'finishing' | 'over' = 'open'

  constructor(socket: Duplex, service: Service, peer: string, auth: AuthenticationData | undefined, now: number) {
    this.#socket = socket
    this.service = service
    this.peer = peer
    this.auth = auth
    this.#now = now
    this.outbox = new Outbox(socket)
    this.windows = new SendWindows(this.outbox)
    this.answers = new Answers(this.outbox, this.windows)
    this.idleFrames = idleFrames(now)
    this.cuts = cuts(now)
    this.#keepalive = new Keepalive(service.keepalive, now)
    this.#pings = new PingLimit(service.pings)
    this.#streams = new ServerStreams(this)
    this.#reader = new FrameReader(this, { data: DATA_LIMIT, other: OTHER_LIMIT })
    this.#waits = new Waits(service.patience, now)
    this.outbox.append(service.greeting)
    this.due(Math.min(this.#waits.next, this.#keepalive.next))
  }

  /** Whether a request has come. */
  get hasBegun(): boolean {
    return this.#streams.last > 0
  }

  get peerWindow(): number {
    return this.#settings.window
  }

  due(at: number): void {
    if (at >= this.next) return
    this.next = at
    this.service.due(at)
  }

  read(chunk: Buffer): void {
    if (this.#state === 'over') return
    const now = performance.now()
    this.#now = now
    this.#keepalive.read(now)
    const streams = this.#streams
    try {
      streams.isReading = true
      const before = this.#frames
      const rest = this.#prefaced < PREFACE.length ? this.#preface(chunk) : chunk
      this.#reader.read(rest)
      this.#waits.inside(this.#reader.isInside || this.#block.isOpen, this.#frames !== before, now)
      this.due(this.#waits.next)
      streams.isReading = false
      streams.settle(now)
      if (this.outbox.unsent > MOST_UNSENT) this.#pause(now)
      else if (this.#frames - this.#yieldedAt > FRAMES_A_TURN) this.#yield()
    } catch (error) {
      this.#fail(error)
    } finally {
      streams.isReading = false
    }
  }

  frame(type: number, flags: number, stream: number, buffer: Buffer, start: number, end: number): void {
    this.#frames++
    if (this.#block.isOpen) {
      if (this.#block.proceed(type, flags, stream, buffer, start, end)) this.#headers()
      return
    }
    if (!this.#hasSettings && (type !== frames.SETTINGS || (flags & frames.ACK) !== 0))
      throw protocolError('the first frame of a connection is SETTINGS')
    if (type === frames.HEADERS) {
      if (stream === 0) throw protocolError('HEADERS came on no stream')
      if (this.#block.begin(flags, stream, buffer, start, end)) this.#headers()
    } else this.#other(type, flags, stream, buffer, start, end)
  }

  #other(type: number, flags: number, stream: number, buffer: Buffer, start: number, end: number): void {
    switch (type) {
      case frames.SETTINGS:
        return this.#readSettings(flags, stream, buffer, start, end)
      case frames.WINDOW_UPDATE:
        return this.#readWindowUpdate(stream, buffer, start, end)
      case frames.PING:
        return this.#readPing(flags, stream, buffer, start, end)
      case frames.RST_STREAM:
        mustHave(4, start, end)
        return this.#streams.reset(stream, this.#now)
      case frames.PRIORITY:
        return this.#readPriority(stream, buffer, start, end)
      case frames.GOAWAY:
        if (stream !== 0) throw protocolError('GOAWAY came on a stream')
        return this.idleFrames.spend(1, this.#now)
      case frames.PUSH_PROMISE:
        throw protocolError('a client promises nothing')
      case frames.CONTINUATION:
        throw protocolError('CONTINUATION came without HEADERS')
      default:
        this.idleFrames.spend(1, this.#now)
    }
  }

  beginData(flags: number, stream: number, length: number): void {
    if (this.#block.isOpen) throw protocolError('a header block is interrupted by another frame')
    if (!this.#hasSettings) throw protocolError('the first frame of a connection is SETTINGS')
    this.#streams.beginData(flags, stream, length, this.#now)
  }

  data(buffer: Buffer, start: number, end: number): void {
    this.#streams.data(buffer, start, end)
  }

  endData(): void {
    this.#frames++
    this.#streams.endData()
  }

  answered(): void {
    this.#pings.forgive()
  }

  emptied(): void {
    if (this.#state === 'finishing') return this.#end()
    if (this.service.keepalive.max_connection_idle > 0) {
      this.#keepalive.idle(true, performance.now())
      this.due(this.#keepalive.next)
    }
  }

  /** The client is to send further requests elsewhere; those that it sent before it knew are answered, and then it is over. */
  drain(): void {
    if (this.#state !== 'open') return
    this.#state = 'draining'
    // Any stream that the client may have begun before it heard of it is still taken (RFC 9113, 6.8).
    writeGoaway(this.outbox, frames.LAST_STREAM, frames.NO_ERROR)
    writePing(this.outbox, 0, DRAIN_PING, 0)
    this.#drainedBy = performance.now() + DRAIN_TIME
    this.due(this.#drainedBy)
  }

  /** No further requests: it is over when those that came are answered. */
  finish(): void {
    if (this.#state === 'finishing' || this.#state === 'over') return
    if (!this.#hasSettings) return void this.#socket.destroy()
    this.#state = 'finishing'
    this.#streams.end = this.#streams.last
    writeGoaway(this.outbox, this.#streams.last, frames.NO_ERROR)
    if (this.#streams.open.size === 0) this.#end()
  }

  /** The socket has gone. */
  closed(): void {
    this.#state = 'over'
    this.next = Infinity
    this.#streams.clear()
  }

  /** Does what is due. */
  look(now: number): void {
    if (this.#state === 'over') return void (this.next = Infinity)
    this.next = Infinity
    if (now >= this.#waits.next) return void this.#socket.destroy()
    if (now >= this.#drainedBy) {
      this.#drainedBy = Infinity
      this.finish()
    }
    const streams = this.#streams.look(now)
    if (streams === 'deaf') return void this.#socket.destroy()
    this.#keepAlive(now)
    this.due(Math.min(streams, this.#waits.next, this.#drainedBy, this.#keepalive.next))
  }

  /** What is left of the chunk behind it. */
  #preface(chunk: Buffer): Buffer {
    const end = Math.min(chunk.length, PREFACE.length - this.#prefaced)
    for (let at = 0; at < end; at++)
      if (chunk[at] !== PREFACE[this.#prefaced + at]) throw protocolError('the connection does not begin as HTTP/2')
    this.#prefaced += end
    return chunk.subarray(end)
  }

  #headers(): void {
    const block = this.#block
    const list = this.#decoder.decode(block.buffer, block.start, block.end)
    const wasIdle = this.#streams.open.size === 0
    this.#pings.forgive()
    this.#streams.headers(block, list, this.#now)
    if (wasIdle) this.#keepalive.idle(this.#streams.open.size === 0, this.#now)
    block.buffer = NOTHING
  }

  #readSettings(flags: number, stream: number, buffer: Buffer, start: number, end: number): void {
    if (stream !== 0) throw protocolError('SETTINGS came on a stream')
    if ((flags & frames.ACK) !== 0) {
      if (end > start) throw new ConnectionError(frames.FRAME_SIZE_ERROR, 'acknowledged SETTINGS have content')
      this.idleFrames.spend(1, this.#now)
      return this.#decoder.acknowledged()
    }
    this.#hasSettings = true
    this.#waits.prefaced()
    this.idleFrames.spend(COST_OF_SETTINGS, this.#now)
    const { window, headerTable } = this.#settings
    this.#settings.apply(buffer, start, end)
    writeSettingsAck(this.outbox)
    this.windows.frame = this.#settings.frame
    if (this.#settings.window !== window) this.windows.shift(this.#streams.open.all(), this.#settings.window - window)
    if (this.#settings.headerTable !== headerTable) this.answers.encoder.setTableSize(this.#settings.headerTable)
  }

  #readWindowUpdate(stream: number, buffer: Buffer, start: number, end: number): void {
    mustHave(4, start, end)
    this.idleFrames.spend(1, this.#now)
    const bytes = readUint32(buffer, start) & frames.LARGEST_WINDOW
    if (stream !== 0) return this.#streams.windowUpdate(stream, bytes)
    if (bytes === 0) throw protocolError('a window is updated by nothing')
    this.windows.credit(bytes)
  }

  #readPing(flags: number, stream: number, buffer: Buffer, start: number, end: number): void {
    mustHave(8, start, end)
    if (stream !== 0) throw protocolError('PING came on a stream')
    if ((flags & frames.ACK) === 0) {
      this.#pings.ping(this.#now, this.#streams.open.size > 0)
      return writePing(this.outbox, frames.ACK, buffer, start)
    }
    this.idleFrames.spend(1, this.#now)
    const isDrained = this.#state === 'draining' && buffer.compare(DRAIN_PING, 0, 8, start, end) === 0
    // When all is read that came with it.
    if (isDrained) this.due((this.#drainedBy = this.#now))
  }

  #readPriority(stream: number, buffer: Buffer, start: number, end: number): void {
    if (stream === 0) throw protocolError('PRIORITY came on no stream')
    mustHave(5, start, end)
    this.idleFrames.spend(1, this.#now)
    this.#streams.priority(stream, readUint32(buffer, start) & frames.LAST_STREAM)
  }

  #keepAlive(now: number): void {
    const due = this.#keepalive.look(now)
    if (due === 'ping') writePing(this.outbox, 0, KEEPALIVE_PING, 0)
    else if (due === 'drain') this.drain()
    else if (due === 'end') this.#socket.destroy()
  }

  /** A client that takes no answers is not read, until it does. */
  #pause(now: number): void {
    if (this.#waits.isTaking) return
    this.#waits.taking(true, now)
    this.due(this.#waits.next)
    this.#socket.pause()
    this.outbox.whenSent(() => {
      this.#waits.taking(false, now)
      this.#socket.resume()
    })
  }

  /** Whatever else is due has its turn first. */
  #yield(): void {
    this.#yieldedAt = this.#frames
    this.#socket.pause()
    setImmediate(() => {
      if (!this.#waits.isTaking) this.#socket.resume()
    })
  }

  #fail(error: unknown): void {
    if (this.#state === 'over') return
    const isTheirs = error instanceof ConnectionError
    if (!isTheirs) this.service.log.error({ error }, 'A connection failed')
    const code = isTheirs ? error.code : frames.INTERNAL_ERROR
    writeGoaway(this.outbox, this.#streams.last, code, isTheirs ? error.message : '')
    this.#end()
  }

  /** What was written leaves; what comes is not looked at any more. */
  #end(): void {
    this.#state = 'over'
    this.#streams.clear()
    this.outbox.flush()
    this.#socket.end()
    this.#socket.resume()
    const timer = setTimeout(() => this.#socket.destroy(), LINGER).unref()
    this.#socket.once('close', () => clearTimeout(timer))
  }
}

const { PREFACE } = frames
const NOTHING: Buffer = Buffer.allocUnsafeSlow(0)
