import type { Host } from '../component/context.ts'
import type { Connector, Exporter, Extension, Processor } from '../component/definition.ts'
import type { Holder } from '../component/delivery-node.ts'
import { ByteBudget } from '../data/memory/byte-budget.ts'
import { SIGNALS } from '../data/signal.ts'
import type { Signal } from '../data/signal.ts'
import { Sender } from '../sending/sender.ts'
import type { Sink } from '../sending/sink.ts'
import { Components, sendingOf, shareOf } from './components.ts'
import type { Created } from './components.ts'
import { Drops } from './drops.ts'
import { counted } from './edges.ts'
import type { Environment } from './environment.ts'
import { fan } from './fan.ts'
import { Gate } from './gate.ts'
import type { Plan, PlannedConnector, PlannedPipeline, PlannedReceiver } from './plan.ts'
import { ReceiverIngress } from './receiver-ingress.ts'
import type { Entrance } from './receiver-ingress.ts'
import { Receiving } from './receiving.ts'
import { pipelineKey, senderKey } from './running.ts'
import type { Running } from './running.ts'
import { SharedStatus } from './shared-status.ts'
import { StageOwner } from './stage-owner.ts'

export interface BuiltPipeline {
  readonly planned: PlannedPipeline
  readonly processors: readonly { readonly created: Created<Processor>; readonly owner: StageOwner }[]
}

export interface BuiltConnector {
  readonly planned: PlannedConnector
  readonly created: Created<Connector>
  readonly owner: StageOwner
}

export interface BuiltReceiver {
  readonly created: Created<unknown>
  readonly receiving: Receiving
  readonly ingress: ReceiverIngress
}

/** The components of a plan and what the engine puts around them, created and not started. */
export class Parts {
  readonly components: Components
  readonly budgets: Readonly<Record<Signal, ByteBudget>>
  readonly extensions: readonly Created<Extension>[]
  readonly exporters: readonly Created<Exporter>[]
  readonly senders = new Map<string, Sender>()
  readonly connectors: readonly BuiltConnector[]
  readonly pipelines: readonly BuiltPipeline[]
  readonly receivers: readonly BuiltReceiver[]
  readonly #plan: Plan
  readonly #environment: Environment
  readonly #drops: Drops
  readonly #running: Running
  readonly #gauges: (() => void)[] = []

  /** Calls nothing of the components but `create`. Throws `CreateFailed`. */
  constructor(plan: Plan, environment: Environment, host: Host, running: Running) {
    const { clock, log, metrics } = environment
    this.#plan = plan
    this.#environment = environment
    this.#running = running
    this.#drops = new Drops(clock, log, metrics)
    this.components = new Components(environment)
    this.budgets = this.#budgets()
    this.extensions = plan.extensions.map((each) => this.components.extension(each, host))
    this.exporters = plan.exporters.map((each) => this.#exporter(each))
    this.connectors = plan.connectors.map((planned) => this.#connector(planned))
    this.pipelines = plan.pipelines.map((planned) => this.#pipeline(planned))
    this.receivers = plan.receivers.map((planned) => this.#receiver(planned))
  }

  /** Stops measuring: the graph is over. */
  dispose(): void {
    for (const forget of this.#gauges) forget()
  }

  /** All receivers and stages that may forget deliveries. */
  holders(): Holder[] {
    return [
      ...this.receivers.map(({ ingress }) => ingress),
      ...this.pipelines.flatMap(({ processors }) => processors.map(({ owner }) => owner)),
      ...this.connectors.map(({ owner }) => owner),
    ]
  }

  /** The way from a receiver or connector into a pipeline. */
  entry(from: string, pipeline: string): Sink {
    const sink = this.#running.late(pipelineKey(pipeline))
    const { signal, processors, targets } = this.pipelines.find(({ planned }) => planned.id === pipeline)!.planned
    // Without processors, all that enters goes to every target.
    const [first] = processors
    const next = first ? [first.id] : new Set(targets.map((target) => target.id))
    const edges = [...next].map((to) => ({ pipeline, signal, from, to }))
    return counted(sink, edges, this.#environment.metrics)
  }

  #budgets(): Record<Signal, ByteBudget> {
    const made = SIGNALS.map((signal) => {
      const { metrics } = this.#environment
      const budget = new ByteBudget(this.#plan.limits[signal])
      const labels = { 'otel.signal': signal }
      const gauge = (name: string, description: string, read: () => number) => {
        this.#gauges.push(metrics.gauge(name, { unit: 'By', description }, read, labels))
      }
      gauge('telegen.budget.used', 'Bytes that batches of the signal occupy.', () => budget.used)
      gauge('telegen.budget.limit', 'Bytes that batches of the signal may occupy.', () => budget.limit)
      const description = 'How often work on data that was inside went over the limit.'
      const overdrafts = { unit: '{overdraft}', description }
      this.#gauges.push(
        metrics.observableCounter('telegen.budget.overdrafts', overdrafts, () => budget.overdrafts, labels),
      )
      return [signal, budget] as const
    })
    return Object.fromEntries(made) as Record<Signal, ByteBudget>
  }

  #exporter(planned: Plan['exporters'][number]): Created<Exporter> {
    const { clock, logOf, metrics } = this.#environment
    const pipelines = this.#plan.pipelines.filter(({ targets }) =>
      targets.some((each) => each.kind === 'exporter' && each.id === planned.id),
    )
    const created = this.components.exporter(
      planned,
      pipelines.map(({ id }) => id),
    )
    const status = new SharedStatus(created.status)
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
        status: status.share(),
        onDropped: (items, reason, message) =>
          this.#drops.count({ component: planned.id, signal, items, reason, message }),
      })
      this.senders.set(senderKey(planned.id, signal), sender)
    }
    return created
  }

  #connector(planned: PlannedConnector): BuiltConnector {
    const created = this.components.connector(planned)
    const name = `connector "${planned.id}" (${planned.from} to ${planned.to})`
    return { planned, created, owner: this.#owner(created, name, planned.from, planned.to) }
  }

  #pipeline(planned: PlannedPipeline): BuiltPipeline {
    const processors = planned.processors.map((each) => {
      const created = this.components.processor(each, planned)
      return {
        created,
        owner: this.#owner(created, `processor "${each.id}" in pipeline "${planned.id}"`, planned.signal),
      }
    })
    return { planned, processors }
  }

  #owner({ id, kind, status }: Created<unknown>, name: string, signal: Signal, emits = signal): StageOwner {
    const { logOf, metrics } = this.#environment
    return new StageOwner({ id, name, signal, emits, log: logOf(kind, id), meter: metrics, status, drops: this.#drops })
  }

  #receiver(planned: PlannedReceiver): BuiltReceiver {
    const { id, outlets } = planned
    const { clock, metrics } = this.#environment
    const entrances = new Map([...outlets.keys()].map((signal) => [signal, this.#entrance(planned, signal)] as const))
    let receiving: Receiving | undefined
    let ingress: ReceiverIngress | undefined
    const created = this.components.receiver(planned, () => {
      const { acknowledge } = planned
      return (ingress = new ReceiverIngress({
        id,
        acknowledge,
        entrances,
        meter: metrics,
        drops: this.#drops,
        onGate: (refused) => receiving?.gate(refused),
        onMisuse: (what) => receiving?.misuse(what),
      }))
    })
    const sinks = new Map(
      [...outlets].map(([signal, ids]) => [signal, fan(ids.map((to) => this.entry(id, to)))] as const),
    )
    this.#gauges.push(
      metrics.gauge(
        'telegen.receiver.unsettled',
        { unit: '{delivery}', level: 'normal', description: 'Batches that have entered and not ended.' },
        () => ingress?.open ?? 0,
        { receiver: id },
      ),
    )
    receiving = new Receiving({
      id,
      receiver: created.instance,
      ingress: ingress as ReceiverIngress,
      outlets: sinks,
      clock,
      status: created.status,
      drops: this.#drops,
    })
    return { created, receiving, ingress: ingress as ReceiverIngress }
  }

  #entrance({ outlets, reaches }: PlannedReceiver, signal: Signal): Entrance {
    const rooms = (reaches.get(signal) ?? []).flatMap(
      ({ exporter, signal: as }) => this.senders.get(senderKey(exporter, as))?.room ?? [],
    )
    return {
      gate: new Gate(signal, this.budgets[signal], rooms),
      validates: (outlets.get(signal) ?? []).some((id) => this.#opens(id)),
    }
  }

  /** Whether something in or behind this pipeline reads batches or merges them. */
  #opens(pipeline: string): boolean {
    const { processors, planned } = this.pipelines.find((each) => each.planned.id === pipeline) as BuiltPipeline
    return (
      processors.some(({ created: { instance } }) => 'steps' in instance || instance.opensBatches !== false) ||
      planned.targets.some(
        (target) =>
          target.kind === 'connector' || !this.#plan.exporters.find(({ id }) => id === target.id)?.definition.forwards,
      )
    )
  }
}
