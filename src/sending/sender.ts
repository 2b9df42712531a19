import type { Clock } from '../component/clock.ts'
import type { Log } from '../component/context.ts'
import type { Exporter, SendResult } from '../component/definition.ts'
import { DELIVERED } from '../component/delivery.ts'
import type { Delivery } from '../component/delivery.ts'
import type { DeliveryNode, Holder } from '../component/delivery-node.ts'
import type { Meter } from '../component/meter.ts'
import { Refused } from '../component/refused.ts'
import { batchSizer, queueSizer } from '../component/sending-options.ts'
import type { SendingOptions } from '../component/sending-options.ts'
import type { StatusReporter } from '../component/status.ts'
import type { Signal } from '../data/signal.ts'
import { Attempts, LeftOff } from './attempts.ts'
import { halves, isTooLarge, tooLarge } from './halves.ts'
import { MemoryQueue } from './queue.ts'
import { RequestFormer } from './request-former.ts'
import { senderMetrics } from './sender-metrics.ts'
import type { SenderMetrics } from './sender-metrics.ts'
import type { Room, Sink, Size } from './sink.ts'

export interface SenderOptions {
  /** The exporter's id. */
  readonly id: string
  readonly signal: Signal
  readonly exporter: Exporter
  readonly sending: SendingOptions
  /** The exporter's share of the signal's byte budget: the queue's capacity where none is written. */
  readonly share: number
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
  readonly status: StatusReporter
  /** Told of items that are lost and that no root delivery tells of: `partial_success`, what the other side took and did not keep. */
  readonly onDropped: (items: number, reason: string, message: string) => void
}

/** What a sender that ceased has not sent: for `adopt` of another one, of the same exporter and signal. */
export interface Leftover {
  readonly from: Sender
  /** In order. */
  readonly queues: readonly MemoryQueue[]
}

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
  readonly held = new Set<DeliveryNode>()
  readonly queue: MemoryQueue | undefined
  readonly #former: RequestFormer | undefined
  readonly #options: SenderOptions
  readonly #metrics: SenderMetrics
  readonly #attempts: Attempts
  readonly #leave = new AbortController()
  readonly #abort = new AbortController()
  #phase: Phase = 'new'
  /** What came while there is no queue and nothing may be sent. */
  #early: Delivery[] = []
  #unsent: Unsent[] = []
  #successor: Sender | undefined
  #turns = 0
  #inFlight = 0
  #idle: (() => void) | undefined
  /** Items that the stop left over. */
  #left = 0

  constructor(options: SenderOptions) {
    const { id, signal, sending, share, meter, clock, exporter, status } = options
    this.id = id
    this.name = `exporter "${id}"`
    this.#options = options
    this.queue = queueOf(options, share, (items) => this.#metrics.displaced(items))
    this.#former = this.#formerOf(options)
    this.#attempts = new Attempts({
      exporter,
      sending,
      clock,
      status,
      leave: this.#leave.signal,
      abort: this.#abort.signal,
      waiting: () => this.#waiting(),
      onStuck: () => this.#stuck(),
    })
    this.#metrics = senderMetrics(meter, id, signal, this.queue, {
      clock,
      isOpen: () => this.#attempts.circuit.isOpen,
    })
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
    return this.queue?.onRoom(watcher) ?? (() => {})
  }

  take(delivery: Delivery): void {
    if (this.#successor) return this.#successor.take(delivery)
    ;(delivery as DeliveryNode).hold(this)
    const { queue } = this
    if (this.#abort.signal.aborted && this.#phase === 'stopping')
      return this.#refuse(delivery, stopped(`${this.name} has stopped`))
    if (queue === undefined) {
      if (this.#phase === 'new' || this.#phase === 'leaving') this.#early.push(delivery)
      else void this.#send(delivery)
      return
    }
    if (!this.#options.sending.queue?.wait_for_result) delivery.reach('accepted')
    queue.push(delivery)
    this.#pump()
  }

  /** From now on it sends. The exporter has started before. */
  async start(): Promise<void> {
    this.#begin()
  }

  /** Instead of `start`: goes on with what another sender left, before what has come here meanwhile. */
  async adopt({ from, queues }: Leftover): Promise<void> {
    from.#successor = this
    const waiting = queues.flatMap((queue) => queue.clear())
    const early = [...from.#early, ...this.#early]
    this.#early = []
    for (const delivery of [...waiting, ...from.#early.splice(0)]) (delivery as DeliveryNode).hold(this)
    if (this.queue) this.queue.takeOver([...waiting, ...early])
    else this.#early = [...waiting, ...early]
    this.#begin()
  }

  /**
   * Ceases to send: attempts under way may end until `deadline` aborts, waits between tries are cut short. It still takes, for whoever
   * adopts what is left.
   */
  async handOver(deadline: AbortSignal): Promise<Leftover> {
    this.#phase = 'leaving'
    this.#leave.abort(new Error('handing over'))
    await this.#quiet(deadline)
    const unsent = this.#unsent.toSorted((left, right) => left.turn - right.turn).map(({ delivery }) => delivery)
    const before = [...unsent, ...(this.#former?.drain() ?? [])]
    if (this.queue) this.queue.putBack(before)
    else this.#early = [...before, ...this.#early]
    this.#metrics.forget()
    return { from: this, queues: this.queue ? [this.queue] : [] }
  }

  /** The exporter's share of the budget is another: what the queue holds where nothing is written. */
  resize(share: number): void {
    if (this.#options.sending.queue?.queue_size === undefined) this.queue?.resize(share)
  }

  /** Sends what is left until `deadline` aborts; then ends the rest as refused, and whatever comes after it. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#phase = 'stopping'
    this.#former?.hurry()
    this.#pump()
    await this.#quiet(deadline, () => this.#giveUp())
    this.#abort.abort(new Error('stopped'))
    this.#giveUp()
    this.#metrics.forget()
    if (this.#left === 0) return
    const { log, signal } = this.#options
    log.warn({ signal, items: this.#left }, `${this.name} stopped before everything could be sent`)
  }

  misuse(what: string): void {
    this.#options.log.error({}, `${this.name} ${what}`)
  }

  #begin(): void {
    this.#phase = 'running'
    for (const delivery of this.#early.splice(0)) void this.#send(delivery)
    this.#pump()
  }

  /** Waits until nothing is under way; `deadline` ends what is. */
  async #quiet(deadline: AbortSignal, run: () => void = () => {}): Promise<void> {
    const end = () => {
      this.#abort.abort(deadline.reason)
      run()
    }
    if (deadline.aborted) end()
    else deadline.addEventListener('abort', end, { once: true })
    if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    deadline.removeEventListener('abort', end)
  }

  #giveUp(): void {
    this.#leave.abort(new Error('stopped'))
    const early = this.#early.splice(0)
    for (let left = early.shift() ?? this.#next(); left; left = early.shift() ?? this.#next()) this.#leaveOff(left)
  }

  /** While something waits, something is in flight, but for what waits for the rest of a batch. */
  #pump(): void {
    if (this.#phase === 'new' || this.#phase === 'leaving' || this.#abort.signal.aborted) return
    const consumers = this.#options.sending.queue?.num_consumers ?? 1
    while (this.#inFlight < consumers) {
      const next = this.#next()
      if (next === undefined) return
      void this.#send(next)
    }
  }

  #next(): Delivery | undefined {
    return (this.#former ?? this.queue)?.shift()
  }

  async #send(delivery: Delivery): Promise<void> {
    const turn = this.#turns++
    this.#inFlight++
    this.#metrics.began(delivery.batch.items, delivery.batch.bytes)
    try {
      await this.#deliver(delivery, turn)
    } finally {
      this.#inFlight--
      this.#metrics.ended()
      this.#pump()
      if (this.#inFlight === 0) this.#idle?.()
    }
  }

  /** What the backend finds too large goes in halves, down to the record that is. */
  async #deliver(delivery: Delivery, turn: number): Promise<void> {
    try {
      this.#succeed(delivery, await this.#attempts.persist(delivery))
    } catch (error) {
      if (error instanceof LeftOff) return this.#leaveOff(delivery, turn, error.last)
      const refused = Refused.from(error)
      const parts = isTooLarge(refused) ? halves(delivery) : undefined
      if (parts === undefined) return this.#refuse(delivery, refused)
      for (const part of parts) await this.#deliver(part, turn)
    }
  }

  /** It could not be sent before the sender left off, and somebody must have it now. */
  #leaveOff(delivery: Delivery, turn = this.#turns, last?: Refused): void {
    if (this.#phase === 'leaving') return void this.#unsent.push({ turn, delivery })
    this.#left += delivery.batch.items
    const why = last === undefined ? '' : ` again: ${last.message}`
    this.#refuse(delivery, stopped(`stopped before it could be sent${why}`))
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

  #formerOf({ sending, clock, log }: SenderOptions): RequestFormer | undefined {
    const { queue } = this
    const batch = sending.queue?.batch
    if (!queue || !sending.queue || !batch?.enabled) return undefined
    return new RequestFormer({
      source: {
        get length() {
          return queue.length
        },
        get isFull() {
          return queue.used >= queue.capacity
        },
        shift: () => queue.shift(),
      },
      batch,
      sizer: batchSizer(sending.queue),
      clock,
      log,
      onReady: () => this.#pump(),
      onOversize: (request) => this.#refuse(request, tooLarge(request.batch.bytes, batch.max_size)),
    })
  }

  #waiting(): string {
    const batches = (this.queue?.length ?? this.#early.length) + this.#inFlight
    return batches === 1 ? '1 batch waits' : `${batches} batches wait`
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

function queueOf(
  { id, sending: { queue }, clock }: SenderOptions,
  share: number,
  onDisplaced: (items: number) => void,
): MemoryQueue | undefined {
  if (!queue?.enabled) return undefined
  return new MemoryQueue({
    id,
    sizer: queueSizer(queue),
    capacity: queue.queue_size ?? share,
    onFull: queue.on_full,
    blocks: queue.block_on_overflow,
    clock,
    onDisplaced,
  })
}
