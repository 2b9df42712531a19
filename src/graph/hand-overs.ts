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

  constructor(places: Places) {
    this.#places = places
  }

  /** Starts the senders of an exporter that has been started; those whose predecessor still sends wait until it hands over. */
  async begin({ created, senders }: ExporterPart, predecessor: ExporterPart | undefined): Promise<void> {
    for (const [signal, sender] of senders) {
      const key = senderKey(created.id, signal)
      this.#started.add(sender)
      const leftover = this.#pending.get(key)
      if (leftover) {
        await sender.adopt(leftover)
        this.#pending.delete(key)
      } else if (!predecessor?.senders.has(signal)) await sender.start()
    }
  }

  /** Ends the senders of an exporter that goes: what they have left goes to its successor, or is sent until `deadline`. */
  async end(part: ExporterPart, successor: ExporterPart | undefined, deadline: AbortSignal): Promise<void> {
    await Promise.all(
      [...part.senders].map(([signal, sender]) => this.#endOne(part, signal, sender, successor, deadline)),
    )
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
    if (this.#started.has(heir)) {
      await heir.adopt(leftover)
      place.open(heir)
    } else {
      place.shut()
      this.#pending.set(key, leftover)
      // The extension that it lies on may be about to stop.
      await leftover.close()
    }
  }
}
