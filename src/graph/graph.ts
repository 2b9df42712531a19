import type { Timer } from '../component/clock.ts'
import type { Host } from '../component/context.ts'
import type { Control } from '../component/control.ts'
import type { Holder } from '../component/delivery-node.ts'
import type { ByteBudget } from '../data/memory/byte-budget.ts'
import type { Signal } from '../data/signal.ts'
import { assemble, discard, pipelinesTo } from './assemble.ts'
import type { Surroundings } from './assemble.ts'
import { Budgets } from './budgets.ts'
import { changesOf } from './changes.ts'
import type { Changes } from './changes.ts'
import { shareOf } from './components.ts'
import { Drops } from './drops.ts'
import { Edges } from './edges.ts'
import type { Environment } from './environment.ts'
import { HandOvers } from './hand-overs.ts'
import { Assembly } from './parts.ts'
import type { Part } from './parts.ts'
import { EMPTY_PLAN, isSameShape } from './plan-shape.ts'
import type { Plan } from './plan.ts'
import { Pause } from './pause.ts'
import { Places } from './places.ts'
import type { ReceiverIngress } from './receiver-ingress.ts'
import { Taps } from './taps.ts'
import { become, connectAll } from './transition.ts'
import type { Scene, Terms } from './transition.ts'
import { watch } from './watchdog.ts'
import { worstStatuses } from './worst-statuses.ts'

/** A plan with its components: built without I/O, then started, led over into other plans, stopped. */
export class Graph implements Host {
  readonly startTime: number
  /** What has passed between components. */
  readonly edges: Edges
  /** Who may look at what passes. */
  readonly taps: Taps
  readonly #environment: Environment
  readonly #budgets: Budgets
  readonly #surroundings: Surroundings
  readonly #scene: Scene
  /** Also of receivers that have closed, while something of theirs is open. */
  readonly #ingresses = new Set<ReceiverIngress>()
  /** What runs; before the start what will, after the stop what did. */
  #assembly: Assembly
  readonly #drops: Drops
  #watchdog: Timer | undefined
  #ready = false

  /** Throws `CreateFailed`. */
  constructor(plan: Plan, environment: Environment) {
    const { clock, log, metrics } = environment
    this.#environment = environment
    this.startTime = environment.startTime
    this.#budgets = new Budgets(plan.limits, metrics)
    this.edges = new Edges(metrics)
    this.taps = new Taps(this.edges, log)
    const places = new Places()
    this.#scene = {
      environment,
      edges: this.edges,
      places,
      handOvers: new HandOvers(places),
      pause: new Pause(),
      live: new Set(),
      onConnected: (assembly) => this.#connected(assembly),
    }
    this.#drops = new Drops(clock, log, metrics)
    this.#surroundings = { environment, host: this, drops: this.#drops, budgets: this.#budgets.bySignal }
    this.#assembly = assemble(plan, this.#scene.live, this.#surroundings)
  }

  get ready(): boolean {
    return this.#ready
  }

  get budgets(): Readonly<Record<Signal, ByteBudget>> {
    return this.#budgets.bySignal
  }

  get control(): Control | undefined {
    return this.#environment.control
  }

  /** Whether all parts of the plan run. False after a reload that failed and could not be taken back. */
  get isWhole(): boolean {
    return this.#assembly.parts.every((part) => this.#scene.live.has(part))
  }

  /** Where several processes run the same component, the worst of what they say of it. */
  statuses() {
    const own = this.#assembly.parts.map(({ created }) => created.status.status)
    return worstStatuses(own, this.#environment.elsewhere?.() ?? [])
  }

  /** Deliveries that have entered and not ended. */
  get open(): number {
    let open = 0
    for (const ingress of this.#ingresses) open += ingress.open
    return open
  }

  /** Resolves when data may flow. Rejects with `StartFailed`, or the reason of `abort`, everything stopped again. */
  async start(abort?: AbortSignal): Promise<void> {
    try {
      await this.#become(this.#assembly, { abort, drain: NEVER })
      this.#watchdog = watch(() => this.#holders(), this.#environment.clock)
      this.#ready = true
    } catch (error) {
      await this.stop(AbortSignal.abort(new Error('the start failed'))).catch((also: unknown) =>
        this.#environment.log.error({ error: also }, 'What had been started before did not stop cleanly'),
      )
      throw error
    }
  }

  /**
   * Makes the parts that another plan needs, without touching what runs. Undefined where there is nothing to do. Throws `CreateFailed`.
   * What was prepared goes to `reload`, or to `discard`.
   */
  prepare(plan: Plan): Assembly | undefined {
    const next = assemble(plan, this.#scene.live, this.#surroundings)
    const same = next.parts.length === this.#assembly.parts.length && next.parts.every((part) => this.#has(part))
    return same && isSameShape(plan, this.#assembly.plan) ? undefined : next
  }

  /** Measures nothing more of what was prepared in vain. */
  discard(prepared: Assembly): void {
    for (const part of prepared.parts) if (!this.#scene.live.has(part)) discard(part)
  }

  /**
   * Goes over to what was prepared; what both have lives on. Rejects with what failed to start, the old plan back in its place: or, if
   * `isWhole` is false then, as much of it as could be started again.
   */
  async reload(next: Assembly, terms: Terms): Promise<Changes> {
    const before = this.#assembly
    const changes = changesOf(next, this.#scene.live)
    try {
      const abort = AbortSignal.any([AbortSignal.timeout(START), ...(terms.abort ? [terms.abort] : [])])
      await this.#become(next, { ...terms, abort })
      return changes
    } catch (error) {
      this.discard(next)
      await this.#goBack(before, terms.drain, error)
      throw error
    }
  }

  /** Receivers first, then each pipeline flushes, queues drain until `deadline`, and what is left then is counted and named. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#ready = false
    for (const { created } of this.#scene.live) created.status.enter('stopping', undefined)
    const shown = this.#assembly
    const failures = await this.#failuresOf(new Assembly(EMPTY_PLAN, []), { abort: undefined, drain: deadline })
    this.#assembly = shown
    await this.#scene.handOvers.abandon(deadline)
    this.#watchdog?.cancel()
    this.discard(shown)
    this.edges.dispose()
    this.#budgets.dispose()
    this.#reportOpen()
    this.#drops.tell()
    if (failures.length > 0) throw new AggregateError(failures, 'some components did not stop cleanly')
  }

  async #become(target: Assembly, terms: Terms): Promise<void> {
    for (const error of await this.#failuresOf(target, terms))
      this.#environment.log.error({ error }, 'What the new configuration does without did not stop cleanly')
  }

  #failuresOf(target: Assembly, terms: Terms): Promise<Error[]> {
    return become(this.#scene, target, terms)
  }

  /** Parts of `before` that had been stopped are created and started once more. */
  async #goBack(before: Assembly, drain: AbortSignal, cause: unknown): Promise<void> {
    const { log } = this.#environment
    log.warn({ error: cause }, 'Going back to the old configuration')
    let old = before
    try {
      old = assemble(before.plan, this.#scene.live, this.#surroundings)
      this.#assembly = old
      await this.#become(old, { abort: AbortSignal.timeout(START), drain })
    } catch (error) {
      log.error({ error }, 'A part of the old configuration could not be started again')
      connectAll(this.#scene, old, () => false)
    }
  }

  #connected(assembly: Assembly): void {
    if (assembly.plan === EMPTY_PLAN) return
    const { plan } = assembly
    this.#assembly = assembly
    this.#budgets.resize(plan.limits)
    for (const { created, senders } of assembly.exporters) {
      created.status.stands(pipelinesTo(plan, created.id))
      for (const [signal, sender] of senders) sender.resize(shareOf(plan, signal))
    }
    for (const planned of plan.connectors) assembly.connector(planned).created.status.stands(planned.pipelines)
    for (const { id, outlets } of plan.receivers)
      assembly.receivers.find(({ created }) => created.id === id)?.created.status.stands([...outlets.values()].flat())
    for (const ingress of this.#ingresses) if (ingress.open === 0) this.#ingresses.delete(ingress)
    for (const { ingress } of assembly.receivers) this.#ingresses.add(ingress)
  }

  #has(part: Part): boolean {
    return this.#assembly.find(part.key) === part && this.#scene.live.has(part)
  }

  /** All receivers and stages that may forget deliveries. */
  *#holders(): Iterable<Holder> {
    for (const part of this.#scene.live) {
      if (part.kind === 'receiver') yield part.ingress
      if (part.kind === 'processor' || part.kind === 'connector') yield part.owner
    }
  }

  #reportOpen(): void {
    for (const { id, open } of this.#ingresses)
      if (open > 0)
        this.#environment.log.error(
          { receiver: id, deliveries: open },
          'Deliveries were still open when everything had stopped',
        )
  }
}

/** How long what a reload starts may take to start, in milliseconds, and what it had stopped to start once more. */
const START = 30_000
/** A start takes nothing away that would have to be emptied. */
const NEVER = new AbortController().signal
