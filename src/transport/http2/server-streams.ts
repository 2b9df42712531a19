import { Refused } from '../../component/refused.ts'
import { ArrivingShare } from './arriving-bytes.ts'
import { CallsUnderWay } from './calls-under-way.ts'
import type { StreamOwner } from './calls-under-way.ts'
import { ClosedStreams } from './closed-streams.ts'
import type { Connection } from './connection.ts'
import { writeReset, writeWindowUpdate } from './control-frames.ts'
import { Entrance } from './entrance.ts'
import {
  ConnectionError,
  END_STREAM,
  FLOW_CONTROL_ERROR,
  NO_ERROR,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  STREAM_CLOSED,
} from './frames.ts'
import type { HeaderBlock } from './header-block.ts'
import type { HeaderList } from './hpack/header-list.ts'
import { CANCELLED, FAULTY, LATE, TOO_SLOW, unserved } from './refusals.ts'
import { isTrailer, RequestHead } from './request-head.ts'
import { ServerStream } from './server-stream.ts'
import type { StreamHome } from './stream-home.ts'
import type { Service } from './service.ts'
import { StreamTable } from './stream-table.ts'

/** Calls whose client has given them up are under way until their methods have: so many for each stream that may be open. */
const CALLS_A_STREAM = 2
/** DATA frames of fewer bytes, but for a request's last, move nothing on. */
const SMALL_DATA = 64
/** Frames that move nothing on, which a client may send for each request. */
const EARNED_BY_REQUEST = 8

/** The requests of a connection. */
export class ServerStreams implements StreamHome<ServerStream>, StreamOwner {
  readonly open = new StreamTable<ServerStream>()
  readonly arriving = new ArrivingShare()
  /** The newest stream that there was. */
  last = 0
  /** Streams above it are not begun any more. */
  end = Infinity
  /** Messages that become whole are handed over when the chunk is read. */
  isReading = false
  readonly #connection: Connection
  readonly #service: Service
  readonly #entrance: Entrance
  readonly #calls: CallsUnderWay
  readonly #closed: ClosedStreams
  #complete: ServerStream[] = []
  #begun: ServerStream[] = []
  /** Of the DATA frame that is coming. */
  #data: ServerStream | undefined
  #dataId = 0
  #endsStream = false

  constructor(connection: Connection) {
    this.#connection = connection
    this.#service = connection.service
    this.#closed = new ClosedStreams(this.#service.mostStreams)
    this.#entrance = new Entrance(connection.service, connection.auth, (stream, thrown) => this.failed(stream, thrown))
    this.#calls = new CallsUnderWay(connection, this.#entrance, this)
  }

  get peer(): string {
    return this.#connection.peer
  }

  get largest(): number {
    return this.#service.largest
  }

  get patience(): number {
    return this.#service.patience
  }

  due(at: number): void {
    this.#connection.due(at)
  }

  headers({ flags, stream: id, dependency }: HeaderBlock, list: HeaderList, now: number): void {
    const ends = (flags & END_STREAM) !== 0
    const known = this.open.get(id)
    if (known !== undefined) return this.#trailers(known, list, ends)
    if (!this.#isNew(id, ends, now)) return
    if (id > this.end) return this.#cut(id, REFUSED_STREAM, ends)
    this.last = id
    const { mostStreams } = this.#service
    const isFull = this.open.size >= mostStreams || this.#calls.count >= mostStreams * CALLS_A_STREAM
    if (isFull) return this.#cut(id, REFUSED_STREAM, ends)
    const head = ((list.cached as RequestHead | undefined) ??= new RequestHead(list, this.#service.methods))
    list.cached = head
    if (head.kind === 'malformed' || dependency === id) return this.#cut(id, PROTOCOL_ERROR, ends)
    this.#begin(id, head, ends, now)
  }

  #isNew(id: number, ends: boolean, now: number): boolean {
    if (id % 2 === 0) throw new ConnectionError(PROTOCOL_ERROR, 'a client begins streams of odd numbers')
    if (id > this.last) return true
    const how = this.#closed.find(id)
    if (how !== 'cut')
      throw new ConnectionError(how === 'ended' ? STREAM_CLOSED : PROTOCOL_ERROR, 'HEADERS came on a closed stream')
    this.#connection.idleFrames.spend(1, now)
    if (ends) this.#closed.end(id)
    return false
  }

  #trailers(stream: ServerStream, list: HeaderList, ends: boolean): void {
    if (stream.isEnded) return this.fault(stream, STREAM_CLOSED)
    if (!ends || !isTrailer(list)) return this.fault(stream, PROTOCOL_ERROR)
    stream.end()
  }

  #begin(id: number, head: RequestHead, ends: boolean, now: number): void {
    const isPlain = head.kind === 'plain'
    const method = isPlain ? undefined : head.method
    const stream = new ServerStream(id, head, method, this, this.#connection.peerWindow)
    stream.auth = this.#connection.auth
    this.open.add(stream)
    if (!ends) this.#begun.push(stream)
    else stream.isEnded = true
    const refused = isPlain ? undefined : unserved(head)
    if (refused) {
      if (head.kind === 'too_large') this.#connection.cuts.spend(1, now)
      return this.refuse(stream, refused)
    }
    const { timeout = Infinity } = head
    if (timeout !== Infinity) {
      stream.deadline = now + timeout
      this.#connection.due(stream.deadline)
    }
    if (!isPlain && !this.#entrance.admits(stream)) return
    if (ends) stream.end()
  }

  beginData(flags: number, id: number, length: number, now: number): void {
    this.#connection.credit.received(length)
    const ends = (flags & END_STREAM) !== 0
    const stream = this.open.get(id)
    this.#data = stream
    this.#dataId = id
    this.#endsStream = ends
    if (length < SMALL_DATA && !ends) this.#connection.idleFrames.spend(1, now)
    if (stream === undefined) return this.#lateData(id, length, now)
    const isFault = stream.isEnded ? STREAM_CLOSED : stream.spend(length) ? NO_ERROR : FLOW_CONTROL_ERROR
    if (isFault === NO_ERROR) return
    this.fault(stream, isFault)
    this.#data = undefined
  }

  #lateData(id: number, length: number, now: number): void {
    this.#mustBeKnown(id)
    if (this.#closed.find(id) === 'cut') {
      if (!this.#closed.bears(length)) this.#connection.idleFrames.spend(1, now)
      return
    }
    this.#connection.cuts.spend(1, now)
    writeReset(this.#connection.outbox, id, STREAM_CLOSED)
  }

  data(buffer: Buffer, start: number, end: number): void {
    this.#data?.data(buffer, start, end)
  }

  endData(): void {
    if (!this.#endsStream) return
    const stream = this.#data
    if (stream === undefined || stream.state === 'over') this.#closed.end(this.#dataId)
    else stream.end()
  }

  /** The client has ended a stream. */
  reset(id: number, now: number): void {
    this.#mustBeKnown(id)
    const stream = this.open.get(id)
    if (stream === undefined) {
      this.#connection.idleFrames.spend(1, now)
      return this.#closed.end(id)
    }
    stream.isEnded = true
    this.#end(stream, CANCELLED)
    this.#connection.cuts.spend(1, now)
  }

  windowUpdate(id: number, bytes: number): void {
    this.#mustBeKnown(id)
    const stream = this.open.get(id)
    if (stream === undefined) return
    if (bytes === 0) this.fault(stream, PROTOCOL_ERROR)
    else if (!this.#connection.windows.creditStream(stream, bytes)) this.fault(stream, FLOW_CONTROL_ERROR)
  }

  /** PRIORITY, which means nothing to us, must not be nonsense all the same. */
  priority(id: number, dependency: number): void {
    if (dependency !== id) return
    const stream = this.open.get(id)
    if (stream) this.fault(stream, PROTOCOL_ERROR)
    else if (id > this.last) throw new ConnectionError(PROTOCOL_ERROR, 'a stream depends on itself')
  }

  /** All of a chunk has been read. */
  settle(now: number): void {
    if (this.#begun.length > 0) {
      for (const stream of this.#begun) stream.expectArrival(now)
      this.#begun = []
    }
    if (this.#complete.length > 0) {
      const complete = this.#complete
      this.#complete = []
      for (const stream of complete) this.#calls.begin(stream)
    }
    this.giveCredit()
  }

  complete(stream: ServerStream): void {
    if (this.isReading) this.#complete.push(stream)
    else this.#calls.begin(stream)
  }

  refuse(stream: ServerStream, refused: Refused): void {
    if (stream.state === 'over') return
    stream.cancel(refused)
    this.#connection.answers.refusal(stream.id, refused)
    this.close(stream)
  }

  failed(stream: ServerStream, error: unknown): void {
    if (!(error instanceof Refused)) this.#service.log.error({ error }, 'Answering a request failed')
    this.refuse(stream, Refused.from(error))
  }

  fault(stream: ServerStream, code: number): void {
    this.#end(stream, FAULTY)
    writeReset(this.#connection.outbox, stream.id, code)
    this.#connection.cuts.spend(1, performance.now())
  }

  credit(stream: ServerStream, bytes: number): void {
    writeWindowUpdate(this.#connection.outbox, stream.id, bytes)
  }

  /** When to look again. Whether a client takes an answer: who does not has no use for a connection. */
  look(now: number): number | 'deaf' {
    let next = Infinity
    for (const stream of this.open.all()) {
      if (stream.state === 'over' && now >= stream.deadline) return 'deaf'
      const found = stream.state === 'over' ? stream.deadline : stream.look(now)
      if (found === 'late') this.refuse(stream, LATE)
      else if (found === 'slow' && this.#connection.credit.isExhausted) stream.expectArrival(now)
      else if (found === 'slow') this.refuse(stream, TOO_SLOW)
      else next = Math.min(next, found)
    }
    return next
  }

  /** The connection has gone. */
  clear(): void {
    this.#connection.windows.clear()
    const streams = this.open.all()
    this.open.clear()
    for (const stream of streams) if (stream.state !== 'over') stream.cancel(CANCELLED)
  }

  isOpen(stream: ServerStream): boolean {
    return this.open.get(stream.id) === stream
  }

  /** Answered. A client that is still sending is told to stop. */
  close(stream: ServerStream): void {
    const { outbox, idleFrames } = this.#connection
    if (!stream.isEnded) writeReset(outbox, stream.id, NO_ERROR)
    idleFrames.earn(EARNED_BY_REQUEST)
    this.#connection.answered()
    this.#remove(stream)
  }

  #end(stream: ServerStream, reason: Refused): void {
    if (stream.state === 'over') this.#connection.windows.drop(stream)
    else stream.cancel(reason)
    this.#remove(stream)
  }

  #remove(stream: ServerStream): void {
    this.open.delete(stream)
    this.#closed.add(stream.id, !stream.isEnded)
    if (this.open.size === 0) this.#connection.emptied()
  }

  /** A stream that is not even begun. */
  #cut(id: number, code: number, ends: boolean): void {
    this.#closed.add(id, !ends)
    writeReset(this.#connection.outbox, id, code)
    this.#connection.cuts.spend(1, performance.now())
  }

  /** What a client sends on streams that it began when it was told not to is borne: it may not have known. */
  #mustBeKnown(id: number): void {
    const isUnbegun = id > this.last && id <= this.end
    if (id === 0 || isUnbegun || id % 2 === 0)
      throw new ConnectionError(PROTOCOL_ERROR, `a frame came on stream ${id}, which was never begun`)
  }

  /** What could not come for want of it has its time from now on. */
  giveCredit(): void {
    const { credit, outbox } = this.#connection
    const wasExhausted = credit.isExhausted
    const bytes = credit.due()
    if (bytes === 0) return
    writeWindowUpdate(outbox, 0, bytes)
    if (!wasExhausted) return
    const now = performance.now()
    for (const stream of this.open.all()) stream.expectArrival(now)
  }
}
