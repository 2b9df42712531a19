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
import { attempt } from './attempt.ts'
import { backoff } from './backoff.ts'
import { MemoryQueue } from './queue.ts'
import { RequestFormer } from './request-former.ts'
import { senderMetrics } from './sender-metrics.ts'
import type { SenderMetrics } from './sender-metrics.ts'
import type { Room, Sink } from './sink.ts'

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
  /** Told of items that the other side took and did not keep. */
  readonly onRejected: (items: number, reason: string) => void
}

/** What stands before one exporter and signal: queue, consumers, retry, timeout. Without a queue it sends as deliveries come. */
export class Sender implements Sink, Holder {
  readonly id: string
  readonly name: string
  readonly held = new Set<DeliveryNode>()
  readonly queue: MemoryQueue | undefined
  readonly #former: RequestFormer | undefined
  readonly #options: SenderOptions
  readonly #metrics: SenderMetrics
  readonly #abort = new AbortController()
  #inFlight = 0
  #idle: (() => void) | undefined

  constructor(options: SenderOptions) {
    const { id, signal, sending, share, meter } = options
    this.id = id
    this.name = `exporter "${id}"`
    this.#options = options
    this.queue = queueOf(id, sending, share, (items) => this.#metrics.displaced(items))
    this.#former = this.#formerOf(options)
    this.#metrics = senderMetrics(meter, id, signal, this.queue)
  }

  /** What the gate must ask before data enters. */
  get room(): Room | undefined {
    return this.queue
  }

  take(delivery: Delivery): void {
    ;(delivery as DeliveryNode).hold(this)
    const { queue } = this
    if (this.#abort.signal.aborted) return this.#refuse(delivery, stopped(`${this.name} has stopped`))
    if (queue === undefined) return void this.#send(delivery)
    if (!this.#options.sending.queue?.wait_for_result) delivery.reach('accepted')
    queue.push(delivery)
    this.#pump()
  }

  /** Sends what is left until `deadline` aborts; then ends the rest as refused, and whatever comes after it. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#former?.hurry()
    const giveUp = () => this.#giveUp(deadline.reason)
    if (deadline.aborted) giveUp()
    else deadline.addEventListener('abort', giveUp, { once: true })
    this.#pump()
    if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    deadline.removeEventListener('abort', giveUp)
    this.#giveUp(new Error('stopped'))
    this.#metrics.forget()
  }

  misuse(what: string): void {
    this.#options.log.error({}, `${this.name} ${what}`)
  }

  #giveUp(reason: unknown): void {
    this.#abort.abort(reason)
    for (let left = this.#next(); left; left = this.#next())
      this.#refuse(left, stopped('stopped before it could be sent'))
  }

  /** While something waits, something is in flight, but for what waits for the rest of a batch. */
  #pump(): void {
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
    this.#inFlight++
    this.#metrics.began(delivery.batch.items, delivery.batch.bytes)
    try {
      const result = await this.#persist(delivery)
      this.#succeed(delivery, result)
    } catch (error) {
      this.#refuse(delivery, error)
    } finally {
      this.#inFlight--
      this.#metrics.ended()
      this.#pump()
      if (this.#inFlight === 0) this.#idle?.()
    }
  }

  /** Tries until it works, may not be tried again, or has taken too long. */
  async #persist(delivery: Delivery): Promise<SendResult | void> {
    const { exporter, sending, clock, status } = this.#options
    const { retry } = sending
    const began = clock.monotonic()
    const onStuck = () => this.#stuck()
    const waits = retry?.enabled ? backoff(retry) : undefined
    for (;;) {
      try {
        return await attempt(exporter, delivery, {
          clock,
          timeout: sending.timeout,
          abort: this.#abort.signal,
          onStuck,
        })
      } catch (error) {
        const refused = Refused.from(error)
        if (refused.code !== 'invalid_argument') status.recoverable(`sending failed: ${refused.message}`)
        if (refused.retry === 'never' || !retry || !waits) throw refused
        const wait = Math.max(waits.next().value, refused.retry.after ?? 0)
        const elapsed = clock.monotonic() - began
        if (retry.max_elapsed_time > 0 && elapsed + wait > retry.max_elapsed_time) throw exhausted(refused)
        await clock.sleep(wait, this.#abort.signal).catch(() => {
          throw stopped(`stopped before it could be sent again: ${refused.message}`)
        })
      }
    }
  }

  #succeed(delivery: Delivery, result: SendResult | void): void {
    const rejected = result ? Math.min(result.rejected, delivery.batch.items) : 0
    this.#options.status.ok()
    this.#metrics.sent(delivery.batch.items - rejected)
    if (rejected > 0) this.#options.onRejected(rejected, result?.reason ?? '')
    delivery.end(DELIVERED)
  }

  #refuse(delivery: Delivery, error: unknown): void {
    const refused = Refused.from(error)
    this.#metrics.failed(delivery.batch.items, refused)
    delivery.end(refused)
  }

  #formerOf({ sending, clock, log }: SenderOptions): RequestFormer | undefined {
    const batch = sending.queue?.batch
    if (!this.queue || !sending.queue || !batch?.enabled) return undefined
    const sizer = batchSizer(sending.queue)
    return new RequestFormer({ queue: this.queue, batch, sizer, clock, log, onReady: () => this.#pump() })
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
const stopped = (message: string): Refused => new Refused(message, { code: 'unavailable', retry: {} })

const exhausted = (last: Refused): Refused =>
  new Refused(`no more retries left: ${last.message}`, { code: last.code, retry: last.retry, cause: last })

function queueOf(
  id: string,
  { queue }: SendingOptions,
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
    onDisplaced,
  })
}
