import type { Timer } from '../component/clock.ts'
import type { Host } from '../component/context.ts'
import type { Connector, Exporter, Extension, Life, Processor } from '../component/definition.ts'
import { ByteBudget } from '../data/memory/byte-budget.ts'
import { SIGNALS } from '../data/signal.ts'
import type { Signal } from '../data/signal.ts'
import { Sender } from '../sending/sender.ts'
import type { Sink } from '../sending/sink.ts'
import { Components, sendingOf, shareOf } from './components.ts'
import type { Created } from './components.ts'
import { Drops } from './drops.ts'
import type { Environment } from './environment.ts'
import { fan } from './fan.ts'
import { Gate } from './gate.ts'
import { operatorStage } from './operator-stage.ts'
import { Pipeline } from './pipeline.ts'
import type { Stage } from './pipeline.ts'
import type { Plan, PlannedConnector, PlannedPipeline, PlannedReceiver, Target } from './plan.ts'
import { ReceiverIngress } from './receiver-ingress.ts'
import type { Entrance } from './receiver-ingress.ts'
import { Receiving } from './receiving.ts'
import { StageOwner } from './stage-owner.ts'
import { StepsStage } from './steps-stage.ts'
import type { StepsOf } from './steps-stage.ts'
import { watch } from './watchdog.ts'

/** A start that failed: names the component. What had been started before it has been stopped again. */
export class StartFailed extends Error {
  constructor({ kind, id }: Created<unknown>, cause: unknown) {
    super(`failed to start "${id}" ${kind}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.name = 'StartFailed'
  }
}

interface BuiltPipeline {
  readonly planned: PlannedPipeline
  readonly processors: readonly { readonly created: Created<Processor>; readonly owner: StageOwner }[]
}

interface BuiltConnector {
  readonly planned: PlannedConnector
  readonly created: Created<Connector>
  readonly owner: StageOwner
}

interface BuiltReceiver {
  readonly created: Created<unknown>
  readonly receiving: Receiving
  readonly ingress: ReceiverIngress
  readonly gates: readonly Gate[]
}

/** A plan with its components: built without I/O, started downstream first, stopped upstream first. */
export class Graph implements Host {
  readonly startTime: number
  readonly budgets: Readonly<Record<Signal, ByteBudget>>
  readonly #plan: Plan
  readonly #environment: Environment
  readonly #components: Components
  readonly #drops: Drops
  readonly #extensions: readonly Created<Extension>[]
  readonly #exporters: readonly Created<Exporter>[]
  readonly #senders = new Map<string, Sender>()
  readonly #connectors: readonly BuiltConnector[]
  readonly #pipelines: readonly BuiltPipeline[]
  readonly #receivers: readonly BuiltReceiver[]
  /** Running pipelines and connectors, by the names `pipelineKey` and `connectorKey` give them; filled by `start`. */
  readonly #running = new Map<string, Pipeline>()
  readonly #started: Created<unknown>[] = []
  #watchdog: Timer | undefined
  #ready = false

  constructor(plan: Plan, environment: Environment) {
    const { clock, log, metrics, startTime } = environment
    this.#plan = plan
    this.#environment = environment
    this.startTime = startTime
    this.#components = new Components(environment)
    this.#drops = new Drops(clock, log, metrics)
    this.budgets = budgetsOf(plan, environment)
    this.#extensions = plan.extensions.map((each) => this.#components.extension(each, this))
    this.#exporters = plan.exporters.map((each) => this.#exporter(each))
    this.#connectors = plan.connectors.map((planned) => this.#connector(planned))
    this.#pipelines = plan.pipelines.map((planned) => this.#pipeline(planned))
    this.#receivers = plan.receivers.map((planned) => this.#receiver(planned))
  }

  get ready(): boolean {
    return this.#ready
  }

  statuses() {
    return this.#components.board.statuses()
  }

  /** Resolves when data may flow. Rejects with `StartFailed`, everything stopped again. */
  async start(): Promise<void> {
    try {
      for (const extension of this.#extensions) await this.#begin(extension)
      for (const exporter of this.#exporters) await this.#begin(exporter)
      for (const pipeline of this.#pipelines) {
        for (const { created } of pipeline.processors) await this.#begin(created)
        for (const connector of this.#connectorsOf(pipeline.planned)) await this.#beginConnector(connector)
        this.#running.set(pipelineKey(pipeline.planned.id), this.#wire(pipeline))
      }
      this.#watchdog = watch(this.#owners(), this.#environment.clock)
      for (const { created, receiving } of this.#receivers) await this.#enter(created, () => receiving.start())
      this.#ready = true
    } catch (error) {
      await this.stop(AbortSignal.abort(new Error('the start failed')))
      throw error
    }
  }

  /** Receivers first, then each pipeline flushes, queues drain until `deadline`, and what is left then is counted and named. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#ready = false
    const failures: unknown[] = []
    const attempt = (work: Promise<void>) => work.catch((error: unknown) => void failures.push(error))
    for (const { status } of this.#started) status.enter('stopping', undefined)
    const receivers = this.#receivers.filter(({ created }) => this.#started.includes(created))
    await Promise.all(receivers.map(({ receiving }) => attempt(receiving.stop(deadline))))
    for (const { planned } of this.#pipelines.toReversed()) {
      for (const connector of this.#connectors.filter(({ planned: { pipelines } }) => pipelines.includes(planned.id)))
        await this.#running.get(connectorKey(connector.planned))?.complete(deadline)
      await this.#running.get(pipelineKey(planned.id))?.complete(deadline)
    }
    await Promise.all([...this.#senders.values()].map((sender) => sender.stop(deadline)))
    this.#watchdog?.cancel()
    for (const { instance, status } of this.#started.toReversed()) {
      await attempt((instance as Life).stop?.(deadline) ?? Promise.resolve())
      status.enter('stopped', undefined)
    }
    this.#receivers.forEach(({ gates }) => gates.forEach((gate) => gate.dispose()))
    this.#started.length = 0
    this.#reportOpen()
    if (failures.length > 0) throw new AggregateError(failures, 'some components did not stop cleanly')
  }

  // Building

  #exporter(planned: Plan['exporters'][number]): Created<Exporter> {
    const { clock, logOf, metrics } = this.#environment
    const pipelines = this.#plan.pipelines.filter(({ targets }) =>
      targets.some((each) => each.kind === 'exporter' && each.id === planned.id),
    )
    const created = this.#components.exporter(
      planned,
      pipelines.map(({ id }) => id),
    )
    for (const signal of planned.signals) {
      const sender = new Sender({
        id: planned.id,
        signal,
        exporter: created.instance,
        sending: sendingOf(planned),
        share: shareOf(this.#plan, signal),
        clock,
        log: logOf('exporter', planned.id),
        meter: metrics,
        status: created.status,
        onRejected: (items, message) =>
          this.#drops.count({ component: planned.id, signal, items, reason: 'partial_success', message }),
      })
      this.#senders.set(senderKey(planned.id, signal), sender)
    }
    return created
  }

  #connector(planned: PlannedConnector): BuiltConnector {
    const created = this.#components.connector(planned)
    const name = `connector "${planned.id}" (${planned.from} to ${planned.to})`
    return { planned, created, owner: this.#owner(created, name, planned.from) }
  }

  #pipeline(planned: PlannedPipeline): BuiltPipeline {
    const processors = planned.processors.map((each) => {
      const created = this.#components.processor(each, planned)
      return {
        created,
        owner: this.#owner(created, `processor "${each.id}" in pipeline "${planned.id}"`, planned.signal),
      }
    })
    return { planned, processors }
  }

  #owner({ id, kind, status }: Created<unknown>, name: string, signal: Signal): StageOwner {
    const { logOf, metrics } = this.#environment
    return new StageOwner({ id, name, signal, log: logOf(kind, id), meter: metrics, status, drops: this.#drops })
  }

  #receiver(planned: PlannedReceiver): BuiltReceiver {
    const { id, outlets } = planned
    const { clock, metrics } = this.#environment
    const entrances = new Map([...outlets.keys()].map((signal) => [signal, this.#entrance(planned, signal)] as const))
    let receiving: Receiving | undefined
    let ingress: ReceiverIngress | undefined
    const created = this.#components.receiver(planned, () => {
      const { acknowledge } = planned
      const onGate: ConstructorParameters<typeof ReceiverIngress>[0]['onGate'] = (refused) => receiving?.gate(refused)
      return (ingress = new ReceiverIngress({ id, acknowledge, entrances, meter: metrics, drops: this.#drops, onGate }))
    })
    const sinks = new Map(
      [...outlets].map(([signal, ids]) => [signal, fan(ids.map((to) => this.#late(pipelineKey(to))))] as const),
    )
    receiving = new Receiving({
      id,
      receiver: created.instance,
      outlets: sinks,
      clock,
      status: created.status,
      drops: this.#drops,
    })
    return {
      created,
      receiving,
      ingress: ingress as ReceiverIngress,
      gates: [...entrances.values()].map(({ gate }) => gate),
    }
  }

  #entrance({ outlets, reaches }: PlannedReceiver, signal: Signal): Entrance {
    const rooms = (reaches.get(signal) ?? []).flatMap(
      ({ exporter, signal: as }) => this.#senders.get(senderKey(exporter, as))?.room ?? [],
    )
    return {
      gate: new Gate(signal, this.budgets[signal], rooms),
      validates: (outlets.get(signal) ?? []).some((id) => this.#opens(id)),
    }
  }

  /** Whether something in or behind this pipeline reads batches or merges them. */
  #opens(pipeline: string): boolean {
    const { processors, planned } = this.#pipelines.find((each) => each.planned.id === pipeline) as BuiltPipeline
    return (
      processors.some(({ created: { instance } }) => 'steps' in instance || instance.opensBatches !== false) ||
      planned.targets.some(
        (target) =>
          target.kind === 'connector' || !this.#plan.exporters.find(({ id }) => id === target.id)?.definition.forwards,
      )
    )
  }

  // Starting

  async #begin(created: Created<Life>): Promise<void> {
    await this.#enter(created, async () => created.instance.start?.())
  }

  async #enter(created: Created<unknown>, start: () => Promise<void>): Promise<void> {
    created.status.enter('starting', undefined)
    try {
      await start()
    } catch (error) {
      created.status.enter('permanent_error', error instanceof Error ? error.message : String(error))
      throw new StartFailed(created, error)
    }
    this.#started.push(created)
    if (created.status.status.state === 'starting') created.status.enter('ok', undefined)
  }

  async #beginConnector(connector: BuiltConnector): Promise<void> {
    const { planned, created, owner } = connector
    if (this.#running.has(connectorKey(planned))) return
    await this.#begin(created)
    const output = fan(planned.pipelines.map((id) => this.#late(pipelineKey(id))))
    const stage = operatorStage(owner, created.instance.operator, this.#environment.clock)
    this.#running.set(connectorKey(planned), new Pipeline([stage], output))
  }

  #wire({ planned, processors }: BuiltPipeline): Pipeline {
    const stages: Stage[] = []
    let fused: StepsOf[] = []
    const fuse = () => {
      if (fused.length > 0) stages.push(new StepsStage(planned.signal, fused))
      fused = []
    }
    for (const { created, owner } of processors) {
      const { instance } = created
      if ('steps' in instance) {
        fused.push({ owner, steps: typeof instance.steps === 'function' ? instance.steps() : instance.steps })
        continue
      }
      fuse()
      stages.push(operatorStage(owner, instance.operator, this.#environment.clock))
    }
    fuse()
    return new Pipeline(stages, fan(planned.targets.map((target) => this.#target(planned, target))))
  }

  #target({ signal }: PlannedPipeline, target: Target): Sink {
    if (target.kind === 'exporter') return this.#senders.get(senderKey(target.id, signal)) as Sender
    return this.#late(connectorKey({ id: target.id, from: signal, to: target.to }))
  }

  /** A sink that is looked up when the first delivery comes: by then everything runs. */
  #late(key: string): Sink {
    let sink: Sink | undefined
    return { take: (delivery) => (sink ??= this.#running.get(key) as Pipeline).take(delivery) }
  }

  #connectorsOf({ signal, targets }: PlannedPipeline): BuiltConnector[] {
    return this.#connectors.filter(({ planned }) =>
      targets.some(
        (each) =>
          each.kind === 'connector' && each.id === planned.id && each.to === planned.to && planned.from === signal,
      ),
    )
  }

  #owners(): StageOwner[] {
    return [
      ...this.#pipelines.flatMap(({ processors }) => processors.map(({ owner }) => owner)),
      ...this.#connectors.map(({ owner }) => owner),
    ]
  }

  #reportOpen(): void {
    for (const { created, ingress } of this.#receivers)
      if (ingress.open > 0)
        this.#environment.log.error(
          { receiver: created.id, deliveries: ingress.open },
          'Deliveries were still open when everything had stopped',
        )
  }
}

const senderKey = (exporter: string, signal: Signal): string => `${exporter} ${signal}`
const pipelineKey = (id: string): string => `pipeline ${id}`
const connectorKey = ({ id, from, to }: Pick<PlannedConnector, 'id' | 'from' | 'to'>): string =>
  `connector ${id} ${from} ${to}`

function budgetsOf({ limits }: Plan, { metrics }: Environment): Record<Signal, ByteBudget> {
  const budgets = Object.fromEntries(SIGNALS.map((signal) => [signal, new ByteBudget(limits[signal])])) as Record<
    Signal,
    ByteBudget
  >
  for (const signal of SIGNALS) {
    const labels = { 'otel.signal': signal }
    const gauge = (name: string, description: string, read: () => number) =>
      metrics.gauge(name, { unit: 'By', description }, read, labels)
    gauge('telegen.budget.used', 'Bytes that batches of the signal occupy.', () => budgets[signal].used)
    gauge('telegen.budget.limit', 'Bytes that batches of the signal may occupy.', () => budgets[signal].limit)
  }
  return budgets
}
