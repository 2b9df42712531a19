import type { Signal } from '../data/signal.ts'
import type { Leftover, Sender } from '../sending/sender.ts'
import type { ExporterPart } from './parts.ts'
import { senderKey } from './parts.ts'
import type { Places } from './places.ts'

/** How long attempts under way may hold up the handing over of a queue, in milliseconds. */
const PATIENCE = 5_000

/** Queues on their way from a sender that goes to the one that takes its place. */
export class HandOvers {
  readonly #places: Places
  /** Given up by one and not yet taken over by another. */
  readonly #pending = new Map<string, Leftover>()
  /** Senders whose exporter has been started, and which have begun or are to take over. */
  readonly #started = new WeakSet<Sender>()
  readonly #adopted = new WeakSet<Sender>()

  constructor(places: Places) {
    this.#places = places
  }

  /** Starts the senders of an exporter that has been started; those whose predecessor still sends wait until it hands over. */
  async begin({ created, senders }: ExporterPart, predecessor: ExporterPart | undefined): Promise<void> {
    for (const [signal, sender] of senders) {
      const key = senderKey(created.id, signal)
      this.#started.add(sender)
      const leftover = this.#pending.get(key)
      const before = predecessor?.senders.get(signal)
      if (leftover) await this.#adopt(key, sender, leftover)
      else if (before) await sender.prepare(before)
      else await sender.start()
    }
  }

  /** Of an exporter that has not come to its work after all: what it had taken over waits for another one. */
  async takeBack({ created, senders }: ExporterPart): Promise<void> {
    const now = AbortSignal.abort(new Error('it did not start'))
    for (const [signal, sender] of senders)
      if (this.#adopted.has(sender)) await this.#keep(senderKey(created.id, signal), await sender.handOver(now))
      else await sender.stop(now)
  }

  /**
   * Ends the senders of an exporter that goes: what they have left goes to its successor, or is sent until `deadline`. Rejects where a successor
   * cannot take it; then it waits for another one.
   */
  async end(part: ExporterPart, successor: ExporterPart | undefined, deadline: AbortSignal): Promise<void> {
    const ends = [...part.senders].map(([signal, sender]) => this.#endOne(part, signal, sender, successor, deadline))
    const failed = (await Promise.allSettled(ends)).find(({ status }) => status === 'rejected')
    if (failed) await Promise.reject((failed as PromiseRejectedResult).reason as Error)
  }

  /** At the end: what nobody took over is handed back or counted by the sender that had it. */
  async abandon(deadline: AbortSignal): Promise<void> {
    const left = [...this.#pending.values()]
    this.#pending.clear()
    await Promise.all(left.map(({ from }) => from.stop(deadline)))
  }

  async #endOne(
    { created }: ExporterPart,
    signal: Signal,
    sender: Sender,
    successor: ExporterPart | undefined,
    deadline: AbortSignal,
  ): Promise<void> {
    const key = senderKey(created.id, signal)
    const place = this.#places.find(key)
    const heir = successor?.senders.get(signal)
    // One that never stood in its place, since a reload failed, has nothing to hand over.
    if (heir === undefined || place?.target !== sender) return sender.stop(deadline)
    const leftover = await sender.handOver(AbortSignal.any([deadline, AbortSignal.timeout(PATIENCE)]))
    place.shut()
    if (!this.#started.has(heir)) return this.#keep(key, leftover)
    await this.#adopt(key, heir, leftover)
    place.open(heir)
  }

  async #adopt(key: string, sender: Sender, leftover: Leftover): Promise<void> {
    this.#pending.delete(key)
    try {
      await sender.adopt(leftover)
      this.#adopted.add(sender)
    } catch (error) {
      this.#pending.set(key, leftover)
      throw error
    }
  }

  /** Until somebody adopts it. The extension that it lies on may be about to stop. */
  async #keep(key: string, leftover: Leftover): Promise<void> {
    this.#pending.set(key, leftover)
    await leftover.close()
  }
}
