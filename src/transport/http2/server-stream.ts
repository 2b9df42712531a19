import type { AuthenticationData } from '../../component/authentication.ts'
import { Cancellation } from '../../component/cancellation.ts'
import type { Refused } from '../../component/refused.ts'
import type { Slab } from '../../data/memory/slab.ts'
import type { Metadata, SlabMessage, SlabMethod, UnaryCall } from '../unary.ts'
import { Arrival } from './arrival.ts'
import { PROTOCOL_ERROR } from './frames.ts'
import { MESSAGE_PREFIX } from './grpc-message.ts'
import { inflatedMessage } from './inflated-message.ts'
import { internal, misframed, NO_ROOM, SECOND } from './refusals.ts'
import type { RequestHead } from './request-head.ts'
import type { StreamHome } from './stream-home.ts'
import type { Tabled } from './stream-table.ts'
import { Body } from './windows.ts'

/**
 * Room for a message of which not all has come, whatever its sender says of its length: who only promises must not keep memory from
 * others. It grows to so many times what has come.
 */
const FIRST_ROOM = 1024
const CREDIT = 8
/** Credit in bytes that a stream begins with, and below which a longer message is given more. */
export const STREAM_WINDOW = 2 ** 20
const LEAST_CREDIT = 512 * 1024
/** What keeping a piece takes besides its bytes: it may come byte by byte. */
const OF_A_PIECE = 128
type State = 'arriving' | 'complete' | 'handed' | 'over'

/** A request: what has come of its message, and how it ends. It is what its method knows of the call, too. */
export class ServerStream implements UnaryCall, Tabled {
  readonly id: number
  chained: Tabled | undefined = undefined
  readonly head: RequestHead
  readonly #home: StreamHome<ServerStream>
  /** Undefined where it is no gRPC: what comes is of no use then. */
  readonly #method: SlabMethod | undefined
  auth: AuthenticationData | undefined
  /** Of the answer. */
  window: number
  body: Body = NO_BODY
  /** What the client may still send on it. */
  #credit = STREAM_WINDOW
  state: State = 'arriving'
  /** Whether the client has ended its side. */
  isEnded = false
  /** When it is to be answered, in milliseconds on a clock that never jumps. */
  deadline = Infinity
  /** Of what has not come with its headers. */
  #arrival: Arrival | undefined
  /** Octets of DATA, less padding. */
  #received = 0
  #prefixed = 0
  #flag = 0
  #expected = 0
  #length = 0
  #slab: Slab | undefined
  /** Counted as arriving. */
  #held = 0
  /** What comes while somebody is asked whether it may: pieces of its own memory. */
  #early: Buffer[] | undefined
  #cancellation: Cancellation | undefined
  /** Why it is over, where it was not answered. */
  #reason: Refused | undefined

  constructor(
    id: number,
    head: RequestHead,
    method: SlabMethod | undefined,
    home: StreamHome<ServerStream>,
    window: number,
  ) {
    this.id = id
    this.head = head
    this.#method = method
    this.#home = home
    this.window = window
  }

  get metadata(): Metadata {
    return this.head.metadata
  }

  get peer(): string {
    return this.#home.peer
  }

  get abort(): AbortSignal {
    this.#cancellation ??= new Cancellation()
    if (this.#reason !== undefined) this.#cancellation.abort(this.#reason)
    return this.#cancellation.signal
  }

  get length(): number {
    return this.#length
  }

  /** A DATA frame begins. Whether the client had credit for it. */
  spend(bytes: number): boolean {
    this.#credit -= bytes
    return this.#credit >= 0
  }

  data(buffer: Buffer, start: number, end: number): void {
    this.#received += end - start
    if (this.#method === undefined || this.state === 'over') return
    if (this.#early !== undefined) this.#keep(buffer, start, end)
    else this.#read(buffer, start, end)
  }

  /** The client has ended its side. */
  end(): void {
    this.isEnded = true
    const { contentLength } = this.head
    if (contentLength >= 0 && contentLength !== this.#received) return this.#home.fault(this, PROTOCOL_ERROR)
    if (this.#method === undefined) this.#complete()
    else if (this.#early === undefined) this.#conclude()
  }

  /** What comes is kept until `goOn`. */
  wait(): void {
    this.#early = []
  }

  goOn(): void {
    const early = this.#early ?? []
    this.#early = undefined
    this.expectArrival(performance.now())
    for (const piece of early) {
      if (this.state === 'over') return
      this.#let(piece.length + OF_A_PIECE)
      if (this.#isWaiting) this.#keep(piece, 0, piece.length)
      else this.#read(piece, 0, piece.length)
    }
    if (this.isEnded && !this.#isWaiting) this.#conclude()
  }

  /** Hands the message over. Not called where it is over already. */
  take(): Promise<Buffer | void> {
    this.state = 'handed'
    this.#arrival = undefined
    const slab = this.#slab as Slab
    this.#slab = undefined
    this.#giveBack()
    return this.#method!.take({ slab, length: this.#length }, this)
  }

  /** Nothing further happens to it; its method learns why. */
  cancel(reason: Refused): void {
    const { state } = this
    this.state = 'over'
    this.#reason = reason
    this.#early = undefined
    if (state === 'arriving' || state === 'complete') {
      this.#slab?.release()
      this.#slab = undefined
    }
    this.#giveBack()
    this.#cancellation?.abort(reason)
  }

  /** Answered: nobody is told any more that it ends. */
  finish(): void {
    this.state = 'over'
  }

  /** Whether it is over its time; and when to look again. */
  look(now: number): 'late' | 'slow' | number {
    if (now >= this.deadline) return 'late'
    if (this.state !== 'arriving' || this.isEnded || this.#isWaiting) return this.deadline
    if (this.#arrival?.isSlow(now, this.#received, this.#held > 0)) return 'slow'
    return Math.min(this.deadline, this.#arrival?.next ?? Infinity)
  }

  /** What has not come of the message has its time from now on. */
  expectArrival(now: number): void {
    if (this.state !== 'arriving' || this.isEnded) return
    const arrival = (this.#arrival ??= new Arrival())
    arrival.expect(now, this.#home.patience, this.#received)
    this.#home.due(arrival.next)
  }

  get #isWaiting(): boolean {
    return this.#early !== undefined
  }

  #keep(buffer: Buffer, start: number, end: number): void {
    if (!this.#hold(end - start + OF_A_PIECE)) return this.#home.refuse(this, NO_ROOM)
    this.#early!.push(Buffer.from(buffer.subarray(start, end)))
  }

  #read(buffer: Buffer, start: number, end: number): void {
    let at = start
    if (this.#prefixed < MESSAGE_PREFIX) {
      at = this.#readPrefix(buffer, at, end)
      if (this.#prefixed < MESSAGE_PREFIX || !this.#open(buffer, at, end)) return
    }
    const until = Math.min(end, at + this.#expected - this.#length)
    if (until > at && !this.#append(buffer, at, until)) return
    if (end > until) this.#home.refuse(this, SECOND)
  }

  #readPrefix(buffer: Buffer, start: number, end: number): number {
    let at = start
    while (this.#prefixed < MESSAGE_PREFIX && at < end) {
      const octet = buffer[at++]!
      if (this.#prefixed++ === 0) this.#flag = octet
      else this.#expected = this.#expected * 256 + octet
    }
    return at
  }

  /** Whether the message may be read: there is memory for its beginning. */
  #open(buffer: Buffer, start: number, end: number): boolean {
    const refused = misframed(this.#flag, this.#expected, this.head.encoding, this.#home.largest)
    if (refused) return this.#refuse(refused)
    const first = Math.min(this.#expected, Math.max(FIRST_ROOM, (end - start) * CREDIT))
    try {
      const slab = this.#method!.room(first, this.#expected, this)
      if (!(slab instanceof Promise)) return this.#begin(slab)
      this.wait()
      if (end > start) this.#keep(buffer, start, end)
      void this.#await(slab)
      return false
    } catch (error) {
      return this.#refuse(error)
    }
  }

  #begin(slab: Slab): boolean {
    this.#slab = slab
    return this.#hold(slab.capacity) || this.#refuse(NO_ROOM)
  }

  async #await(room: Promise<Slab>): Promise<void> {
    try {
      const slab = await room
      if (this.state === 'over') return slab.release()
      if (this.#begin(slab)) this.goOn()
    } catch (error) {
      if (this.state !== 'over') this.#refuse(error)
    }
  }

  /** Whether there was room. */
  #append(buffer: Buffer, start: number, end: number): boolean {
    const needed = this.#length + end - start
    if (needed > this.#slab!.capacity && !this.#grow(needed)) return false
    buffer.copy(this.#slab!.buffer, this.#length, start, end)
    this.#length = needed
    const left = this.#expected - needed
    if (this.#credit < left && this.#credit < LEAST_CREDIT) this.#replenish(left)
    return true
  }

  #replenish(left: number): void {
    const bytes = Math.min(left, STREAM_WINDOW) - this.#credit + FRAMING
    this.#credit += bytes
    this.#home.credit(this, bytes)
  }

  #grow(needed: number): boolean {
    const { buffer } = this.#slab!
    try {
      if (this.#length === 0) this.#letGo()
      const larger = this.#method!.reserve(Math.max(needed, Math.min(needed * CREDIT, this.#expected)))
      if (this.#length > 0) buffer.copy(larger.buffer, 0, 0, this.#length)
      this.#letGo()
      this.#slab = larger
      return this.#hold(larger.capacity) || this.#refuse(NO_ROOM)
    } catch (error) {
      return this.#refuse(error)
    }
  }

  /** Of the piece that is too small. */
  #letGo(): void {
    if (this.#slab === undefined) return
    this.#let(this.#slab.capacity)
    this.#slab.release()
    this.#slab = undefined
  }

  #conclude(): void {
    if (this.state !== 'arriving') return
    if (this.#prefixed === 0) return this.#home.refuse(this, internal('the request has no message'))
    if (this.#prefixed < MESSAGE_PREFIX || this.#length < this.#expected)
      return this.#home.refuse(this, internal('the request ends before its message does'))
    if (this.#flag === 1 && this.#length > 0) return this.#inflate()
    this.#complete()
  }

  #complete(): void {
    this.state = 'complete'
    this.#home.complete(this)
  }

  #inflate(): void {
    const sent = { slab: this.#slab as Slab, length: this.#length }
    const reserve = (bytes: number) => this.#method!.reserve(bytes)
    // It is not ours any more, whatever becomes of the request.
    this.#slab = undefined
    try {
      const inflated = inflatedMessage(sent, { coding: this.head.encoding, largest: this.#home.largest, reserve })
      if (inflated instanceof Promise) void this.#awaitInflated(inflated)
      else this.#take(inflated)
    } catch (error) {
      this.#refuse(error)
    }
  }

  async #awaitInflated(inflated: Promise<SlabMessage>): Promise<void> {
    try {
      this.#take(await inflated)
    } catch (error) {
      if (this.state !== 'over') this.#refuse(error)
    }
  }

  #take({ slab, length }: SlabMessage): void {
    if (this.state === 'over') return slab.release()
    this.#slab = slab
    this.#length = length
    this.#complete()
  }

  #refuse(error: unknown): false {
    this.#home.failed(this, error)
    return false
  }

  #hold(bytes: number): boolean {
    if (!this.#home.arriving.take(bytes)) return false
    this.#held += bytes
    return true
  }

  #let(bytes: number): void {
    this.#home.arriving.give(bytes)
    this.#held -= bytes
  }

  #giveBack(): void {
    this.#let(this.#held)
  }
}

/** Bytes of credit beyond a message, for padding and what comes behind it. */
const FRAMING = 16 * 1024
const NO_BODY = new Body([], true, () => {})
