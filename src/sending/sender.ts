import { Chain } from '../component/chain.ts'
import type { SendResult } from '../component/definition.ts'
import { DELIVERED, STORED } from '../component/delivery.ts'
import type { Delivery } from '../component/delivery.ts'
import type { DeliveryNode, Holder } from '../component/delivery-node.ts'
import { Refused } from '../component/refused.ts'
import { keepsOnDisk } from '../component/sending-options.ts'
import { Attempts, LeftOff } from './attempts.ts'
import type { Queue } from './build-queue.ts'
import { Consumers } from './consumers.ts'
import { DiskQueue } from './disk-queue.ts'
import { halves, isTooLarge, tooLarge } from './halves.ts'
import { Leftover } from './leftover.ts'
import type { Seat } from './leftover.ts'
import { Line } from './line.ts'
import { senderMetrics } from './sender-metrics.ts'
import type { SenderMetrics } from './sender-metrics.ts'
import type { SenderOptions } from './sender-options.ts'
import { within } from './within.ts'
import type { Room, Sink, Size } from './sink.ts'

/** How long attempts under way may take at the stop whose data is on disk or will be, in milliseconds. */
const BRIEF = 3_000
/** How long the disk may take at the stop, in milliseconds. */
const LAST_WRITES = 5_000

export type { Leftover }

/** Made once: an error keeps what called when it was made, here a graph that is no more. */
const HANDING_OVER = new Error('handing over')
const STOPPED = new Error('stopped')

type Phase = 'new' | 'running' | 'leaving' | 'stopping'

/** A delivery that was given to a consumer and not sent; `turn` is its place among them. */
interface Unsent {
  readonly turn: number
  readonly delivery: Delivery
}

/**
 * What stands before one exporter and signal: queue, consumers, retry, timeout. Without a queue it sends as deliveries come. It takes from
 * the beginning, and sends from `start` or `adopt` on until `stop` or `handOver`.
 */
export class Sender implements Sink, Holder, Room {
  readonly id: string
  readonly name: string
  readonly held = new Chain<DeliveryNode>()
  readonly #line: Line
  readonly #options: SenderOptions
  readonly #metrics: SenderMetrics
  readonly #attempts: Attempts
  readonly #consumers: Consumers
  readonly #leave = new AbortController()
  readonly #abort = new AbortController()
  #phase: Phase = 'new'
  /** What came while there is no queue and nothing may be sent. */
  #early: Delivery[] = []
  #unsent: Unsent[] = []
  /** Shared with all who had its place before, so that none of them keeps those between. */
  #seat: Seat = { take: (delivery) => this.take(delivery) }
  #isSucceeded = false
  readonly #watchers = new Set<() => void>()
  #idle: (() => void) | undefined
  /** Items that the stop left over. */
  #left = 0

  constructor(options: SenderOptions) {
    const { id, signal, sending, meter, clock, exporter, status } = options
    this.id = id
    this.name = `exporter "${id}"`
    this.#options = options
    this.#line = new Line(options, this, {
      onReady: () => this.#pump(),
      onRoom: () => this.#watchers.forEach((watcher) => watcher()),
      onDisplaced: (items) => this.#metrics.displaced(items),
      onOversize: (request, most) => this.#refuse(request, tooLarge(request.batch.bytes, most)),
    })
    this.#attempts = new Attempts({
      exporter,
      sending,
      clock,
      status,
      leave: this.#leave.signal,
      abort: this.#abort.signal,
      waiting: () => this.#waiting(),
      onStuck: () => this.#stuck(),
      onSilent: () => this.#probe(),
      onAnswer: () => this.#consumers.answered(),
    })
    this.#consumers = new Consumers(sending.queue?.num_consumers ?? 1)
    const isOpen = () => this.#attempts.circuit.isOpen
    this.#metrics = senderMetrics(meter, id, signal, this.queue && (() => this.queue as Queue), { clock, isOpen })
  }

  get queue(): Queue | undefined {
    return this.#line.queue
  }

  /** What the gate must ask before data enters. */
  get room(): Room | undefined {
    return this.queue && this
  }

  get blocks(): boolean {
    return this.queue?.blocks ?? false
  }

  full(size: Size): Refused | undefined {
    return this.queue?.full(size)
  }

  onRoom(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  take(delivery: Delivery): void {
    if (this.#isSucceeded) return this.#seat.take(delivery)
    ;(delivery as DeliveryNode).hold(this)
    if (this.#abort.signal.aborted && this.#phase === 'stopping')
      return this.#refuse(delivery, stopped(`${this.name} has stopped`))
    const { sending } = this.#options
    if (this.queue === undefined) {
      if (this.#phase === 'new' || this.#phase === 'leaving') this.#early.push(delivery)
      else this.#send(delivery)
      return
    }
    // What a queue on disk keeps is taken when it is there: then it says more.
    if (!sending.queue?.wait_for_result && !keepsOnDisk(sending.queue)) delivery.reach('accepted')
    this.queue.push(delivery)
    this.#pump()
  }

  /** From now on it sends. The exporter has started before. Rejects where its queue on disk cannot be opened. */
  async start(): Promise<void> {
    if (this.queue instanceof DiskQueue) await this.#line.open()
    this.#begin()
  }

  /** Before `adopt`, while `predecessor` works on: what may fail, fails here. Rejects as `start` does. */
  async prepare(predecessor: Sender): Promise<void> {
    await this.#line.prepare(predecessor.#line)
  }

  /**
   * Instead of `start`: goes on with what another sender left, before what has come here meanwhile. Rejects as `start` does; then nothing has
   * been taken from `leftover`.
   */
  async adopt(leftover: Leftover): Promise<void> {
    const unqueued = await this.#line.adopt(leftover, (delivery) => this.take(delivery))
    this.#early = [...unqueued, ...this.#early]
    this.#seat = leftover.seat
    this.#begin()
  }

  /**
   * Ceases to send: attempts under way may end until `deadline` aborts, waits between tries are cut short. It still takes, for whoever
   * adopts what is left.
   */
  async handOver(deadline: AbortSignal): Promise<Leftover> {
    this.#phase = 'leaving'
    this.#leave.abort(HANDING_OVER)
    await this.#quiet(deadline)
    this.#attempts.rest()
    const unsent = this.#unsent.toSorted((left, right) => left.turn - right.turn).map(({ delivery }) => delivery)
    const first = [...unsent, ...this.#line.unform()]
    const { queues } = this.#line
    if (queues[0]) queues[0].putBack(first)
    else this.#early = [...first, ...this.#early]
    this.#metrics.forget()
    return new Leftover(this, queues, this.#seat, () => {
      this.#isSucceeded = true
      this.#line.leave()
      return this.#early.splice(0)
    })
  }

  /** The exporter's share of the budget is another: what the queue has in memory where nothing is written. */
  resize(share: number): void {
    if (this.queue instanceof DiskQueue || this.#options.sending.queue?.queue_size === undefined)
      this.queue?.resize(share)
  }

  /**
   * Sends what is left until `deadline` aborts; then ends the rest as refused, and whatever comes after it. With a queue on disk nobody
   * waits for a backend: what is not sent at once stays there, or is written there.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    const { clock, log, signal } = this.#options
    this.#phase = 'stopping'
    this.#line.hurry()
    const { disks } = this.#line
    for (const disk of disks) disk.cease()
    if (disks.length > 0) this.#leave.abort(STOPPED)
    const brief = disks.length > 0 ? clock.after(BRIEF, () => this.#abort.abort(STOPPED)) : undefined
    this.#pump()
    await this.#quiet(deadline, () => this.#giveUp())
    brief?.cancel()
    this.#attempts.rest()
    this.#abort.abort(STOPPED)
    for (const disk of disks) await within(clock, LAST_WRITES, disk.written())
    this.#giveUp()
    await this.#keep()
    for (const disk of disks) await within(clock, LAST_WRITES, this.#line.close(disk))
    this.#metrics.forget()
    if (this.#left > 0)
      log.warn({ signal, items: this.#left }, `${this.name} stopped before everything could be sent; the rest is lost`)
  }

  misuse(what: string): void {
    this.#options.log.error({}, `${this.name} ${what}`)
  }

  #begin(): void {
    if (this.#phase !== 'new') return
    this.#phase = 'running'
    for (const delivery of this.#early.splice(0)) this.#send(delivery)
    this.#pump()
  }

  /** Waits until nothing is under way; `deadline` ends what is, and then `end` is called. */
  async #quiet(deadline: AbortSignal, end: () => void = () => {}): Promise<void> {
    const over = () => {
      this.#abort.abort(deadline.reason)
      end()
    }
    if (deadline.aborted) over()
    else deadline.addEventListener('abort', over, { once: true })
    if (this.#consumers.busy > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    deadline.removeEventListener('abort', over)
  }

  #giveUp(): void {
    this.#leave.abort(STOPPED)
    for (const left of [...this.#early.splice(0), ...this.#line.clear()]) this.#leaveOff(left)
  }

  /** Brings what is in memory alone to the disk. */
  async #keep(): Promise<void> {
    const disk = this.queue instanceof DiskQueue ? this.queue : undefined
    const rest = this.#unsent.splice(0).map(({ delivery }) => delivery as DeliveryNode)
    const kept = rest.map(async (node) => (await disk?.keep(node)) || this.#lose(node))
    await within(this.#options.clock, LAST_WRITES, Promise.all(kept))
    for (const node of rest) this.#lose(node)
  }

  #lose(node: DeliveryNode, why = ''): void {
    if (node.ended) return
    this.#left += node.batch.items
    this.#refuse(node, stopped(`stopped before it could be sent${why}`))
  }

  /** While something waits, something is in flight, but for what waits for the rest of a batch. */
  #pump(): void {
    if (this.#phase === 'new' || this.#phase === 'leaving' || this.#abort.signal.aborted) return
    while (this.#consumers.isFree) {
      const next = this.#line.next()
      if (next === undefined) return
      this.#send(next)
    }
  }

  #send(delivery: Delivery): void {
    const turn = this.#consumers.begin()
    this.#metrics.began(delivery.batch.items, delivery.batch.bytes)
    this.#deliver(delivery, turn, this.#over)
  }

  readonly #over = (turn: number): void => {
    this.#consumers.end(turn)
    this.#metrics.ended()
    this.#pump()
    if (this.#consumers.busy === 0) this.#idle?.()
  }

  /** Calls `over` when it has become of it what will, never before this returns. */
  #deliver(delivery: Delivery, turn: number, over: (turn: number) => void): void {
    this.#attempts.persist(delivery, (failure, result) => {
      const parts = failure === undefined ? undefined : this.#failed(delivery, turn, failure)
      if (failure === undefined) this.#succeed(delivery, result)
      if (parts === undefined) over(turn)
      else void this.#deliverParts(parts, turn).then(() => over(turn))
    })
  }

  /** What the backend finds too large goes in halves, down to the record that is. */
  async #deliverParts(parts: readonly Delivery[], turn: number): Promise<void> {
    for (const part of parts) await new Promise((resolve) => this.#deliver(part, turn, resolve))
  }

  /** The halves of it, where it is to be sent in halves. */
  #failed(delivery: Delivery, turn: number, failure: Refused | LeftOff): Delivery[] | undefined {
    if (failure instanceof LeftOff) {
      this.#leaveOff(delivery, turn, failure.last)
      return undefined
    }
    const parts = isTooLarge(failure) ? halves(delivery) : undefined
    if (parts === undefined) this.#refuse(delivery, failure)
    return parts
  }

  /** It could not be sent before the sender left off: it stays on disk, is brought there, goes to a successor, or is lost. */
  #leaveOff(delivery: Delivery, turn = this.#consumers.turns, last?: Refused): void {
    const node = delivery as DeliveryNode
    const isOver = this.#phase === 'stopping'
    if (isOver && node.isOnDisk) node.end(STORED)
    else if (!isOver || this.#line.disks.length > 0) this.#unsent.push({ turn, delivery })
    else this.#lose(node, last === undefined ? '' : ` again: ${last.message}`)
  }

  #succeed(delivery: Delivery, result: SendResult | void): void {
    const rejected = result ? Math.min(result.rejected, delivery.batch.items) : 0
    this.#metrics.sent(delivery.batch.items - rejected)
    if (rejected > 0) this.#options.onDropped(rejected, 'partial_success', result?.reason ?? '')
    delivery.end(DELIVERED)
  }

  #refuse(delivery: Delivery, refused: Refused): void {
    this.#metrics.failed(delivery.batch.items, refused)
    delivery.end(refused)
  }

  #waiting(): string {
    const { length, unread } = this.queue ?? { length: this.#early.length, unread: 0 }
    const batches = length + unread + this.#consumers.busy
    return batches === 1 ? '1 batch waits' : `${batches} batches wait`
  }

  #probe(): void {
    this.#consumers.silent()
    this.#pump()
  }

  #stuck(): void {
    this.#options.status.recoverable('a send has not ended although it was told to')
    this.#options.log.error(
      {},
      `${this.name} does not settle a send that was aborted; its memory stays taken until it does`,
    )
  }
}

/** May be tried again still: where nobody took custody it goes back to the sender, who may have more patience. */
const stopped = (message: string): Refused =>
  new Refused(message, { code: 'unavailable', retry: {}, reason: 'stopped' })
