import type { Timer } from '../component/clock.ts'
import type { Host } from '../component/context.ts'
import type { Control } from '../component/control.ts'
import type { Life } from '../component/definition.ts'
import type { ByteBudget } from '../data/memory/byte-budget.ts'
import type { Signal } from '../data/signal.ts'
import type { Sender } from '../sending/sender.ts'
import type { Sink } from '../sending/sink.ts'
import type { Created } from './components.ts'
import type { Environment } from './environment.ts'
import { counted, edgeCount } from './edges.ts'
import type { EdgeCount } from './edges.ts'
import { fan } from './fan.ts'
import { operatorStage } from './operator-stage.ts'
import { Parts } from './parts.ts'
import type { BuiltConnector, BuiltPipeline } from './parts.ts'
import { Pipeline } from './pipeline.ts'
import type { Stage } from './pipeline.ts'
import type { Plan, PlannedPipeline, Target } from './plan.ts'
import { connectorKey, pipelineKey, Running, senderKey } from './running.ts'
import { StepsStage } from './steps-stage.ts'
import type { StepsOf } from './steps-stage.ts'
import { watch } from './watchdog.ts'
import { unlessAborted, within } from './within.ts'

/** A start that failed: names the component. What had been started before it has been stopped again. */
export class StartFailed extends Error {
  constructor({ kind, id }: Created<unknown>, cause: unknown) {
    super(`failed to start "${id}" ${kind}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.name = 'StartFailed'
  }
}

/** A component that did not stop cleanly, or not in time. */
export class StopFailed extends Error {
  constructor({ kind, id }: Created<unknown>, cause: unknown) {
    super(`failed to stop "${id}" ${kind}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.name = 'StopFailed'
  }
}

/** A plan with its components: built without I/O, started downstream first, stopped upstream first. */
export class Graph implements Host {
  readonly startTime: number
  readonly budgets: Readonly<Record<Signal, ByteBudget>>
  readonly #environment: Environment
  readonly #parts: Parts
  readonly #running = new Running()
  readonly #started: Created<unknown>[] = []
  /** A component that never starts must not keep the process from ending. */
  #calledOff: AbortSignal | undefined
  #watchdog: Timer | undefined
  #ready = false

  /** Throws `CreateFailed`. */
  constructor(plan: Plan, environment: Environment) {
    this.#environment = environment
    this.startTime = environment.startTime
    this.#parts = new Parts(plan, environment, this, this.#running)
    this.budgets = this.#parts.budgets
  }

  get ready(): boolean {
    return this.#ready
  }

  get control(): Control | undefined {
    return this.#environment.control
  }

  statuses() {
    return this.#parts.components.board.statuses()
  }

  /** Resolves when data may flow. Rejects with `StartFailed`, or the reason of `abort`, everything stopped again. */
  async start(abort?: AbortSignal): Promise<void> {
    this.#calledOff = abort
    try {
      for (const extension of this.#parts.extensions) await this.#begin(extension)
      for (const exporter of this.#parts.exporters) await this.#begin(exporter)
      for (const sender of this.#parts.senders.values()) await sender.start()
      for (const pipeline of this.#parts.pipelines) {
        for (const { created } of pipeline.processors) await this.#begin(created)
        for (const connector of this.#connectorsOf(pipeline.planned)) await this.#beginConnector(connector)
        this.#running.set(pipelineKey(pipeline.planned.id), this.#wire(pipeline))
      }
      this.#watchdog = watch(this.#parts.holders(), this.#environment.clock)
      for (const { created, receiving } of this.#parts.receivers) await this.#enter(created, () => receiving.start())
      this.#ready = true
    } catch (error) {
      await this.stop(AbortSignal.abort(new Error('the start failed'))).catch((also: unknown) =>
        this.#environment.log.error({ error: also }, 'What had been started before did not stop cleanly'),
      )
      throw error
    }
  }

  /** Receivers first, then each pipeline flushes, queues drain until `deadline`, and what is left then is counted and named. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#ready = false
    const failures: unknown[] = []
    const attempt = (component: Created<unknown>, work: Promise<void>) =>
      work.catch((error: unknown) => void failures.push(new StopFailed(component, error)))
    for (const { status } of this.#started) status.enter('stopping', undefined)
    const receivers = this.#parts.receivers.filter(({ created }) => this.#started.includes(created))
    await Promise.all(receivers.map(({ created, receiving }) => attempt(created, receiving.stop(deadline))))
    for (const { planned } of this.#parts.pipelines.toReversed()) {
      for (const connector of this.#parts.connectors.filter(({ planned: { pipelines } }) =>
        pipelines.includes(planned.id),
      ))
        await this.#running.get(connectorKey(connector.planned))?.complete(deadline)
      await this.#running.get(pipelineKey(planned.id))?.complete(deadline)
    }
    await Promise.all([...this.#parts.senders.values()].map((sender) => sender.stop(deadline)))
    this.#watchdog?.cancel()
    for (const created of this.#started.toReversed()) {
      const { instance, status } = created
      await attempt(
        created,
        within(deadline, this.#environment.clock, () => (instance as Life).stop?.(deadline)),
      )
      // Trouble on the way to a stop is over with it, and must be left through `stopping`.
      status.enter('stopping', undefined)
      status.enter('stopped', undefined)
    }
    this.#parts.dispose()
    this.#started.length = 0
    this.#reportOpen()
    if (failures.length > 0) throw new AggregateError(failures, 'some components did not stop cleanly')
  }

  async #begin(created: Created<Life>): Promise<void> {
    await this.#enter(created, async () => created.instance.start?.())
  }

  async #enter(created: Created<unknown>, start: () => Promise<void>): Promise<void> {
    created.status.enter('starting', undefined)
    try {
      await unlessAborted(start, this.#calledOff)
    } catch (error) {
      created.status.enter('permanent_error', error instanceof Error ? error.message : String(error))
      throw new StartFailed(created, error)
    }
    this.#started.push(created)
    if (created.status.status.state === 'starting') created.status.enter('ok', undefined)
  }

  async #beginConnector(connector: BuiltConnector): Promise<void> {
    const { planned, created, owner } = connector
    if (this.#running.get(connectorKey(planned))) return
    await this.#begin(created)
    const output = fan(planned.pipelines.map((id) => this.#parts.entry(planned.id, id)))
    const stage = operatorStage(owner, created.instance.operator, this.#environment.clock)
    this.#running.set(connectorKey(planned), new Pipeline(owner.name, [stage], output))
  }

  #wire({ planned, processors }: BuiltPipeline): Pipeline {
    const stages: Stage[] = []
    let fused: StepsOf[] = []
    let fusedFrom: string | undefined
    const fuse = () => {
      const [first] = fused
      if (first) stages.push(new StepsStage(planned.signal, fused, this.#edge(planned, fusedFrom, first.owner.id)))
      fused = []
    }
    let before: string | undefined
    for (const { created, owner } of processors) {
      const { instance } = created
      if ('steps' in instance) {
        // Between steps that run in one visit no batch can be seen.
        if (fused.length === 0) fusedFrom = before
        const { steps, dropped } = instance
        fused.push({ owner, steps: typeof steps === 'function' ? steps() : steps, dropped })
      } else {
        fuse()
        const entered = this.#edge(planned, before, owner.id)
        stages.push(operatorStage(owner, instance.operator, this.#environment.clock, entered))
      }
      before = owner.id
    }
    fuse()
    return new Pipeline(
      `pipeline "${planned.id}"`,
      stages,
      fan(planned.targets.map((target) => this.#target(planned, target, before))),
    )
  }

  /** `from`: the processor before, if any; what enters the pipeline is counted where it comes from. */
  #edge({ id, signal }: PlannedPipeline, from: string | undefined, to: string): EdgeCount | undefined {
    return from === undefined ? undefined : edgeCount({ pipeline: id, signal, from, to }, this.#environment.metrics)
  }

  /** `last`: the pipeline's last processor. */
  #target({ id, signal, targets }: PlannedPipeline, target: Target, last: string | undefined): Sink {
    const sink =
      target.kind === 'exporter'
        ? (this.#parts.senders.get(senderKey(target.id, signal)) as Sender)
        : this.#running.late(connectorKey({ id: target.id, from: signal, to: target.to }))
    // A connector that makes several signals is several targets, and one place where batches go.
    const isFirst = targets.find((each) => each.id === target.id) === target
    const edges = last !== undefined && isFirst ? [{ pipeline: id, signal, from: last, to: target.id }] : []
    return counted(sink, edges, this.#environment.metrics)
  }

  #connectorsOf({ signal, targets }: PlannedPipeline): BuiltConnector[] {
    return this.#parts.connectors.filter(({ planned }) =>
      targets.some(
        (each) =>
          each.kind === 'connector' && each.id === planned.id && each.to === planned.to && planned.from === signal,
      ),
    )
  }

  #reportOpen(): void {
    for (const { created, ingress } of this.#parts.receivers)
      if (ingress.open > 0)
        this.#environment.log.error(
          { receiver: created.id, deliveries: ingress.open },
          'Deliveries were still open when everything had stopped',
        )
  }
}
