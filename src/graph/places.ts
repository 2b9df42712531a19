import { Sender } from '../sending/sender.ts'
import type { Room } from '../sending/sink.ts'
import { Valve } from './valve.ts'

/** The places of senders in a graph, by their keys: they stay while senders come and go. */
export class Places {
  readonly #valves = new Map<string, Valve>()

  /** `id`: the component's. */
  of(key: string, id: string): Valve {
    const known = this.#valves.get(key)
    if (known) return known
    const made = new Valve(id)
    this.#valves.set(key, made)
    return made
  }

  find(key: string): Valve | undefined {
    return this.#valves.get(key)
  }

  /** The queue at a sender's place. Undefined where there is none. */
  roomOf(key: string): Room | undefined {
    const target = this.find(key)?.target
    return target instanceof Sender ? target.room : undefined
  }

  /** Nothing will stand here any more: what waits for it is handed back. */
  forget(key: string, why: string): void {
    this.#valves.get(key)?.abandon(why)
    this.#valves.delete(key)
  }
}
