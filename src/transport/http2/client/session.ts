import type net from 'node:net'
import { Refused } from '../../../component/refused.ts'
import { writeGoaway, writePing, writeReset, writeSettingsAck, writeWindowUpdate } from '../control-frames.ts'
import { idleFrames } from '../flood.ts'
import {
  ACK,
  CANCEL,
  ConnectionError,
  DATA,
  DEFAULT_WINDOW,
  END_STREAM,
  FLOW_CONTROL_ERROR,
  GOAWAY,
  HEADERS,
  LAST_STREAM,
  NO_ERROR,
  PING,
  PREFACE,
  PROTOCOL_ERROR,
  readUint32,
  REFUSED_STREAM,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from '../frames.ts'
import { FrameReader } from '../frame-reader.ts'
import type { FrameHandler } from '../frame-reader.ts'
import { HeaderBlock } from '../header-block.ts'
import { HeaderDecoder } from '../hpack/decoder.ts'
import { Outbox } from '../outbox.ts'
import { readChunks } from '../read-chunks.ts'
import { CONNECTION_WINDOW, ReceiveCredit } from '../receive-credit.ts'
import { PeerSettings, settingsFrame } from '../settings.ts'
import { StreamTable } from '../stream-table.ts'
import { SendWindows } from '../windows.ts'
import { Answer } from './answer.ts'
import type { Message } from './answer.ts'
import type { Call, Place } from './call.ts'
import { broken, checkFrame } from './frame-rules.ts'
import { HeldBytes } from './held-bytes.ts'
import { Keepalive } from './keepalive.ts'
import { LIMITS, OUR_SETTINGS } from './limits.ts'
import type { SessionOptions, SessionOwner } from './session-owner.ts'
import { goingAway, lost, refusalOfReset } from './resets.ts'
import { RequestWriter } from './request-writer.ts'

/** One connection to a server, and the requests that go by it. */
export class ClientSession implements FrameHandler, Place {
  readonly #socket: net.Socket
  readonly #owner: SessionOwner
  readonly #keepalive: Keepalive
  readonly #outbox: Outbox
  readonly #windows: SendWindows
  readonly #requests: RequestWriter
  readonly #reader = new FrameReader(this, { data: LIMITS.frame, other: LIMITS.frame })
  readonly #decoder = new HeaderDecoder({ tableSize: LIMITS.headerTable, listSize: LIMITS.headerList })
  readonly #block = new HeaderBlock()
  readonly #settings = new PeerSettings('server')
  readonly #credit = new ReceiveCredit()
  readonly #idle = idleFrames(performance.now())
  readonly #calls = new StreamTable<Call>()
  #next = 1
  #isReady = false
  #isRetired = false
  #isClosed = false
  /** Of the DATA frame that is coming. */
  #receiving: Call | undefined
  #isLast = false
  readonly #held: HeldBytes
  /** Memory of answers that have come in part. */
  #answerBytes = 0

  /** `socket` is connected, and nobody listens to it. */
  constructor(socket: net.Socket, { headers, keepalive }: SessionOptions, owner: SessionOwner) {
    this.#socket = socket
    this.#owner = owner
    this.#outbox = new Outbox(socket)
    this.#windows = new SendWindows(this.#outbox)
    this.#requests = new RequestWriter(headers, this.#outbox, this.#windows)
    this.#held = new HeldBytes(this.#outbox, () => this.destroy(lost('the connection takes no data')))
    this.#keepalive = new Keepalive(keepalive, {
      isBusy: () => this.#calls.size > 0,
      ping: () => writePing(this.#outbox, 0, OUR_PING, 0),
      fail: (why) => this.destroy(lost(why)),
      rest: () => this.retire(),
    })
    this.#outbox.append(PREFACE)
    this.#outbox.append(settingsFrame(OUR_SETTINGS))
    writeWindowUpdate(this.#outbox, 0, CONNECTION_WINDOW - DEFAULT_WINDOW)
    let cause: Error | undefined
    socket
      .on('error', (error: Error) => (cause = error))
      .on('close', () => {
        this.destroy(lost(cause?.message ?? 'the server closed the connection', cause))
        this.#held.release()
      })
    // What came behind a proxy's answer, or with the last of TLS's.
    const early = socket.read() as Buffer | null
    readChunks(socket, (chunk) => this.#read(chunk))
    socket.resume()
    if (early !== null) queueMicrotask(() => this.#read(early))
  }

  /** Whether a request can begin. */
  get hasRoom(): boolean {
    const { size } = this.#calls
    return this.#isReady && !this.#isRetired && size < this.#settings.maxStreams && size < LIMITS.streams
  }

  /** Whether any request ever began. */
  get hasServed(): boolean {
    return this.#next > 1
  }

  /** Sends the request of a call, at `now`; ask `hasRoom` first. */
  begin(call: Call, now = performance.now()): void {
    const block = this.#requests.block(call, this.#settings.headerList, now)
    if (block instanceof Refused) return call.end(block)
    call.place = this
    call.id = this.#next
    call.window = this.#settings.window
    call.sent = this.#keepalive.used = now
    if (this.#calls.size === 0) this.#keepalive.woke = now
    this.#next += 2
    this.#calls.add(call)
    const bytes = this.#requests.send(call, block, this.#settings)
    this.#idle.earn(EARNED + bytes / EARNED_SHARE)
    if (this.#next > LAST_STREAM) this.retire()
  }

  /** A call has ended by itself: its deadline, its abort. */
  leave(call: Call): void {
    writeReset(this.#outbox, call.id, CANCEL)
    this.#forget(call)
    // A server of which nothing was heard all the while may be gone without a word, and its connection take request after request for a
    // quarter of an hour (pings begin after a silence that is longer than most requests may take). The next goes by a new one.
    if (this.#keepalive.heard < call.sent) this.retire()
    else this.#owner.freed()
  }

  /** No further requests; those under way are answered. */
  retire(): void {
    if (this.#isRetired) return
    this.#isRetired = true
    this.#owner.retired()
    this.#closeWhenDone()
  }

  /** Ends it at once, and every call with it. */
  destroy(reason: Refused): void {
    const isFirst = !this.#isClosed
    this.#isClosed = this.#isRetired = true
    this.#keepalive.stop()
    this.#windows.clear()
    this.#socket.destroy()
    const calls = this.#calls.all()
    this.#calls.clear()
    for (const call of calls) {
      call.place = undefined
      call.end(reason)
    }
    if (isFirst) this.#owner.closed(reason)
  }

  #read(chunk: Buffer): void {
    if (this.#isClosed) return
    this.#keepalive.hear(performance.now())
    try {
      this.#reader.read(chunk)
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error
      writeGoaway(this.#outbox, 0, error.code, error.message)
      this.#outbox.flush()
      return this.destroy(lost(`the server broke the rules of HTTP/2: ${error.message}`, error))
    }
    const credit = this.#credit.due()
    if (credit > 0) writeWindowUpdate(this.#outbox, 0, credit)
  }

  // What the reader finds.

  frame(type: number, flags: number, stream: number, buffer: Buffer, start: number, end: number): void {
    if (this.#isClosed) return
    if (!this.#isReady && (type !== SETTINGS || (flags & ACK) !== 0)) throw broken('it does not begin with SETTINGS')
    if (this.#block.isOpen) {
      if (this.#block.proceed(type, flags, stream, buffer, start, end)) this.#takeHeaders()
      return
    }
    checkFrame(type, flags, stream, end - start, this.#next)
    if (type === HEADERS) {
      if (this.#block.begin(flags, stream, buffer, start, end)) this.#takeHeaders()
      return
    }
    this.#waste()
    if (type === RST_STREAM) this.#takeReset(stream, readUint32(buffer, start))
    else if (type === SETTINGS) this.#takeSettings(flags, buffer, start, end)
    else if (type === PING && (flags & ACK) === 0) writePing(this.#outbox, ACK, buffer, start)
    else if (type === WINDOW_UPDATE) this.#takeCredit(stream, readUint32(buffer, start) & LAST_STREAM)
    else if (type === GOAWAY) this.#takeGoaway(buffer, start, end)
  }

  #takeHeaders(): void {
    const { stream, flags, buffer, start, end } = this.#block
    const list = this.#decoder.decode(buffer, start, end)
    const call = this.#calls.get(stream)
    const isEnd = (flags & END_STREAM) !== 0
    const outcome = call?.answer.headers(list, isEnd)
    if (call === undefined || outcome === undefined) return this.#waste()
    this.#end(call, outcome, isEnd)
  }

  beginData(flags: number, stream: number, length: number): void {
    if (!this.#isReady) throw broken('it does not begin with SETTINGS')
    if (this.#block.isOpen) throw broken('a header block is interrupted')
    checkFrame(DATA, flags, stream, length, this.#next)
    this.#credit.received(length)
    const call = this.#calls.get(stream)
    this.#receiving = call
    this.#isLast = (flags & END_STREAM) !== 0
    if (length === 0 || call === undefined) this.#waste()
    if (call !== undefined) this.#receive(call, length)
  }

  /** A stream has HTTP/2's default window, and gets its credit back as soon as half of it is used. */
  #receive(call: Call, length: number): void {
    call.received += length
    if (call.received > DEFAULT_WINDOW)
      throw new ConnectionError(FLOW_CONTROL_ERROR, 'it sends more on a stream than that has credit for')
    if (call.received < DEFAULT_WINDOW / 2 || this.#isLast) return
    writeWindowUpdate(this.#outbox, call.id, call.received)
    call.received = 0
  }

  data(buffer: Buffer, start: number, end: number): void {
    const call = this.#receiving
    if (call === undefined) return
    const before = call.answer.bytes
    const refused = call.answer.data(buffer, start, end)
    this.#answerBytes += call.answer.bytes - before
    if (refused) this.#end(call, refused, false)
    else if (this.#answerBytes > LIMITS.answers)
      this.#end(call, new Refused('the server sends too many large answers at once', EXHAUSTED), false)
  }

  endData(): void {
    const call = this.#receiving
    this.#receiving = undefined
    if (call !== undefined && this.#isLast) this.#end(call, call.answer.cutOff(), true)
  }

  #takeReset(stream: number, code: number): void {
    const call = this.#calls.get(stream)
    if (call === undefined) return
    if (code === REFUSED_STREAM) this.#sendAgain(call, refusalOfReset(code))
    else this.#finish(call, refusalOfReset(code))
  }

  #takeSettings(flags: number, buffer: Buffer, start: number, end: number): void {
    if ((flags & ACK) !== 0) return this.#decoder.acknowledged()
    const before = this.#settings.window
    this.#settings.apply(buffer, start, end)
    this.#requests.encoder.setTableSize(this.#settings.headerTable)
    this.#windows.frame = Math.min(this.#settings.frame, LIMITS.sentFrame)
    this.#windows.shift(this.#calls.all(), this.#settings.window - before)
    writeSettingsAck(this.#outbox)
    if (this.#isReady) return this.#owner.freed()
    this.#isReady = true
    this.#owner.ready()
  }

  #takeCredit(stream: number, credit: number): void {
    if (stream === 0) {
      if (credit === 0) throw broken('WINDOW_UPDATE of nothing')
      return this.#windows.credit(credit)
    }
    const call = this.#calls.get(stream)
    if (call === undefined || (credit > 0 && this.#windows.creditStream(call, credit))) return
    this.#end(call, refusalOfReset(credit === 0 ? PROTOCOL_ERROR : FLOW_CONTROL_ERROR), false)
  }

  #takeGoaway(buffer: Buffer, start: number, end: number): void {
    const last = readUint32(buffer, start) & LAST_STREAM
    const code = readUint32(buffer, start + 4)
    const text = buffer.toString('latin1', start + 8, Math.min(end, start + 8 + LIMITS.goawayText))
    this.#keepalive.toldToGo(code, text)
    this.retire()
    for (const call of this.#calls.all()) if (call.id > last) this.#sendAgain(call, goingAway(code, text))
  }

  /** Small windows make many small frames, and many credits for them: those are no flood, whatever the bytes. */
  #waste(): void {
    this.#idle.earn(CREDITS_A_FRAME * this.#windows.takeSent())
    this.#idle.spend(1, this.#keepalive.heard)
  }

  // The ends of calls.

  /** `isEnd`: nothing further comes from the server. */
  #end(call: Call, outcome: Message | Refused, isEnd: boolean): void {
    if (!isEnd || call.body.left > 0) writeReset(this.#outbox, call.id, isEnd ? NO_ERROR : CANCEL)
    this.#finish(call, outcome)
  }

  #finish(call: Call, outcome: Message | Refused): void {
    call.place = undefined
    this.#forget(call)
    if (outcome instanceof Refused) call.end(outcome)
    else this.#owner.answered(call, outcome)
    this.#owner.freed()
  }

  #sendAgain(call: Call, refused: Refused): void {
    call.place = undefined
    this.#forget(call)
    call.answer = new Answer()
    call.received = 0
    this.#owner.again(call, refused)
    // It may stand behind others now, who have its room.
    this.#owner.freed()
  }

  #forget(call: Call): void {
    this.#calls.delete(call)
    this.#answerBytes -= call.answer.bytes
    if (this.#receiving === call) this.#receiving = undefined
    if (this.#windows.drop(call)) call.mark = this.#outbox.written
    if (call.mark > this.#outbox.taken) this.#held.hold(call)
    if (this.#isRetired) this.#closeWhenDone()
  }

  #closeWhenDone(): void {
    if (this.#calls.size > 0 || this.#isClosed) return
    writeGoaway(this.#outbox, 0, NO_ERROR)
    this.#outbox.flush()
    this.#isClosed = true
    this.#keepalive.stop()
    // A server that takes nothing any more would keep it open.
    const stuck = setTimeout(() => this.#socket.destroy(), LIMITS.stuck)
    this.#socket.once('close', () => clearTimeout(stuck)).end()
    this.#owner.closed(lost('the connection was closed'))
  }
}

/** Frames of no use that a server may send more of for each request, and for so many bytes of it: it acknowledges, gives credit, measures. */
const EARNED = 8
const EARNED_SHARE = 4096
/** What a server may answer a DATA frame with: credit for the stream, and for the connection. */
const CREDITS_A_FRAME = 2
const OUR_PING = Buffer.from('telegen.')
const EXHAUSTED = { code: 'resource_exhausted', retry: 'never' } as const
