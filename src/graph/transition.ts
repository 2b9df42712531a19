import type { Environment } from './environment.ts'
import type { Edges } from './edges.ts'
import { lead } from './entrances.ts'
import type { HandOvers } from './hand-overs.ts'
import { begin, end, StartFailed, StopFailed } from './life.ts'
import { OperatorStage } from './operator-stage.ts'
import type { ExporterPart, Part, ReceiverPart } from './parts.ts'
import { Assembly, senderKey } from './parts.ts'
import { NOWHERE } from './nowhere.ts'
import type { Pause } from './pause.ts'
import type { Places } from './places.ts'
import { EMPTY_PLAN } from './plan-shape.ts'
import { connect, runsOf } from './wiring.ts'

/** What a graph consists of while it goes from one plan to the next. */
export interface Scene {
  readonly environment: Environment
  readonly edges: Edges
  readonly places: Places
  readonly handOvers: HandOvers
  readonly pause: Pause
  /** Parts that have been started and not stopped, furthest downstream first, receivers last. */
  live: Set<Part>
  /** Told when everything has been connected as `assembly` has it. */
  readonly onConnected: (assembly: Assembly) => void
}

export interface Terms {
  /** Calls starts off. */
  readonly abort: AbortSignal | undefined
  /** Until when what goes may send what it has left. */
  readonly drain: AbortSignal
}

/**
 * Goes from what is live to `target`. Starting is going from nothing, stopping is going to nothing, and rolling back is going back from
 * wherever one is. In order:
 *
 * 1. New parts start beside the old ones, which work on. Where that cannot be, because a new extension may need what an old
 *    extension or receiver holds (a directory, an address), it is put off until those have let go; what comes meanwhile waits.
 * 2. Receivers that go close and answer what is under way. Listening sockets stay open (`holdListeners`).
 * 3. All ways are pointed anew, at once.
 * 4. New receivers open.
 * 5. What goes is emptied, upstream first: stages flush, queues are handed to their successors or drain, components stop.
 *
 * Rejects where a part cannot start, everything that has been started or stopped until then noted in `live`: going back is up to the
 * caller. What does not stop cleanly is no reason to turn back; it comes back as a list.
 */
export async function become(scene: Scene, target: Assembly, terms: Terms): Promise<Error[]> {
  return new Transition(scene, target, terms).run()
}

/**
 * Points all ways as `assembly` has them. `isYetToCome` names exporters whose predecessors send until they hand over. Where a part does not run
 * because it could not be started, what comes is handed back.
 */
export function connectAll(scene: Scene, assembly: Assembly, isYetToCome: (part: ExporterPart) => boolean): void {
  const { edges, places, pause, live, onConnected } = scene
  connect(assembly, runsOf(assembly), edges, places)
  for (const part of assembly.exporters)
    for (const [signal, sender] of part.senders) {
      const place = places.of(senderKey(part.created.id, signal), part.created.id)
      if (!live.has(part)) place.open(NOWHERE)
      else if (place.target === undefined || place.target === NOWHERE || !isYetToCome(part)) place.open(sender)
    }
  lead(assembly, places)
  onConnected(assembly)
  pause.end()
}

class Transition {
  readonly #scene: Scene
  #target: Assembly
  readonly #terms: Terms
  #added: readonly Part[]
  #removed: readonly Part[]
  readonly #failures: Error[] = []

  constructor(scene: Scene, target: Assembly, terms: Terms) {
    this.#scene = scene
    this.#target = target
    this.#terms = terms
    const { live } = scene
    this.#added = target.parts.filter((part) => !live.has(part))
    const staying = new Set(target.parts)
    this.#removed = [...live].filter((part) => !staying.has(part))
  }

  async run(): Promise<Error[]> {
    const { environment } = this.#scene
    const release = this.#holdsListeners ? environment.holdListeners?.() : undefined
    try {
      const waits = this.#mustWait
      if (!waits) await this.#startInside()
      const closing = await this.#closeReceivers(waits)
      if (waits) {
        await this.#makeRoom()
        await this.#startInside()
      }
      connectAll(this.#scene, this.#target, (part) => this.#predecessorOf(part) !== undefined)
      await this.#openReceivers()
      await closing
      await this.#retire(this.#removed.filter((part) => this.#scene.live.has(part)))
      return this.#failures
    } finally {
      await release?.()
      this.#forget()
    }
  }

  /** An error keeps what called when it was made. One that outlives this, such as a gate's last refusal, would keep all parts, and they those before. */
  #forget(): void {
    this.#target = new Assembly(EMPTY_PLAN, [])
    this.#added = []
    this.#removed = []
  }

  /** Whether new parts can only start when old ones have let go. */
  get #mustWait(): boolean {
    return (
      this.#added.some(({ kind }) => kind === 'extension') &&
      this.#removed.some(({ kind }) => kind === 'extension' || kind === 'receiver')
    )
  }

  get #holdsListeners(): boolean {
    const listens = ({ kind }: Part) => kind === 'extension' || kind === 'receiver'
    return this.#added.some(listens) && this.#removed.some(listens)
  }

  /** Stops extensions that go and what uses them, with all stages that might still lead there. What comes out of the others waits. */
  async #makeRoom(): Promise<void> {
    const { live, pause } = this.#scene
    pause.begin(this.#target.parts.filter((part) => live.has(part)))
    const going = new Set(this.#removed.flatMap(({ kind, key }) => (kind === 'extension' ? key : [])))
    const standsOnThem = ({ created }: Part) => [...created.uses].some((key) => going.has(key))
    await this.#retire(
      this.#removed.filter(
        (part) => part.kind !== 'receiver' && (part.kind !== 'exporter' || standsOnThem(part)) && live.has(part),
      ),
    )
  }

  async #startInside(): Promise<void> {
    for (const part of this.#added)
      if (part.kind !== 'receiver') {
        await begin(
          part.created,
          () => this.#start(part),
          this.#terms.abort,
          () => this.#undo(part),
        )
        this.#scene.live.add(part)
      }
  }

  async #start(part: Exclude<Part, ReceiverPart>): Promise<void> {
    const { instance } = part.created
    await instance.start?.()
    try {
      // Somebody else may have its place by now.
      this.#terms.abort?.throwIfAborted()
      await this.#setUp(part)
    } catch (error) {
      if (part.kind === 'exporter') await this.#scene.handOvers.takeBack(part)
      await instance.stop?.(AbortSignal.abort(error))
      throw error
    }
  }

  /** It has started when nobody wanted it any more. */
  async #undo(part: Part): Promise<void> {
    const { created } = part
    const now = AbortSignal.abort(new Error('it started too late'))
    try {
      if (part.kind === 'exporter') await this.#scene.handOvers.takeBack(part)
      await (part.kind === 'receiver' ? part.receiving.stop(now) : part.created.instance.stop?.(now))
    } catch (error) {
      this.#scene.environment.log.error({ error }, new StopFailed(created, error).message)
    }
  }

  /** What the engine puts around a component that has been started. */
  async #setUp(part: Exclude<Part, ReceiverPart>): Promise<void> {
    const { handOvers, environment } = this.#scene
    if (part.kind === 'exporter') await handOvers.begin(part, this.#predecessorOf(part))
    if (part.kind === 'connector')
      part.stage = new OperatorStage(part.owner, part.created.instance.operator, environment.clock)
    if (part.kind !== 'processor') return
    const { created, owner } = part
    const { instance } = created
    if ('steps' in instance) {
      const { steps, dropped } = instance
      part.steps = { owner, steps: typeof steps === 'function' ? steps() : steps, dropped }
    } else part.stage = new OperatorStage(owner, instance.operator, environment.clock)
  }

  /** Resolves to the end of those closings that nobody needs to wait for before others open. */
  async #closeReceivers(wait: boolean): Promise<Promise<unknown>> {
    const closings = this.#removed
      .filter((part) => part.kind === 'receiver')
      .map((part) => ({ part, closed: this.#close(part) }))
    // A listening address is free at once while it is held; who reads files must have let go of them.
    const needed = closings.filter(({ part }) => wait || !part.planned.definition.listens)
    await Promise.all(needed.map(({ closed }) => closed))
    return Promise.all(closings.map(({ closed }) => closed))
  }

  async #close(part: ReceiverPart): Promise<void> {
    const { created, receiving } = part
    created.status.enter('stopping', undefined)
    this.#scene.live.delete(part)
    try {
      await receiving.stop(this.#terms.drain)
    } catch (error) {
      this.#failures.push(new StopFailed(created, error))
    }
    created.status.enter('stopped', undefined)
    created.meter.forget()
  }

  async #openReceivers(): Promise<void> {
    for (const part of this.#added)
      if (part.kind === 'receiver') {
        await begin(
          part.created,
          () => part.receiving.start(),
          this.#terms.abort,
          () => this.#undo(part),
        )
        this.#scene.live.add(part)
      }
    // As the new plan has it, for the order in which it will all be stopped.
    const { live } = this.#scene
    const staying = this.#target.parts
    const others = [...live].filter((part) => !staying.includes(part))
    this.#scene.live = new Set([...others, ...staying])
  }

  /** Empties parts and stops them, all of them: one that has been emptied is of no use any more. Rejects where a successor cannot take a queue. */
  async #retire(parts: readonly Part[]): Promise<void> {
    const { places, live, environment, handOvers } = this.#scene
    const { drain } = this.#terms
    const upstreamFirst = parts.toReversed()
    for (const part of upstreamFirst) {
      if (part.kind === 'processor' || part.kind === 'connector') await part.stage?.complete(drain)
    }
    const exporters = parts.filter((part) => part.kind === 'exporter')
    const ends = await Promise.allSettled(
      exporters.map((part) => {
        const successor = this.#target.find(part.key) as ExporterPart | undefined
        const end = handOvers.end(part, successor, drain)
        return successor
          ? end.catch((error: unknown) => Promise.reject(new StartFailed(successor.created, error)))
          : end
      }),
    )
    if (exporters.length > 0) lead(this.#target, places)
    for (const part of upstreamFirst) {
      this.#failures.push(...(await end(part.created, drain, environment.clock)))
      live.delete(part)
    }
    for (const { created, senders } of exporters)
      for (const signal of senders.keys()) {
        const key = senderKey(created.id, signal)
        if (!this.#target.exporter(created.id)?.senders.has(signal)) places.forget(key, `${key} has stopped`)
      }
    for (const each of ends) if (each.status === 'rejected') throw each.reason
  }

  #predecessorOf(part: ExporterPart): ExporterPart | undefined {
    const { live } = this.#scene
    return this.#removed.find((each) => each.key === part.key && live.has(each)) as ExporterPart | undefined
  }
}
