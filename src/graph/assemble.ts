import type { Host } from '../component/context.ts'
import { Storage } from '../component/storage.ts'
import type { Configured } from '../config/configuration.ts'
import type { ByteBudget } from '../data/memory/byte-budget.ts'
import type { Signal } from '../data/signal.ts'
import { Sender } from '../sending/sender.ts'
import { Components, sendingOf, shareOf } from './components.ts'
import type { Created, Offers } from './components.ts'
import type { Drops } from './drops.ts'
import type { Environment } from './environment.ts'
import { Keeping } from './keeping.ts'
import { extensionKey, receiverKey } from './keys.ts'
import { Assembly, connectorKey, exporterKey, processorKey } from './parts.ts'
import type { ConnectorPart, ExporterPart, ExtensionPart, Part, ProcessorPart, ReceiverPart } from './parts.ts'
import type { Plan, PlannedConnector, PlannedExporter, PlannedPipeline, PlannedReceiver } from './plan.ts'
import { ReceiverIngress } from './receiver-ingress.ts'
import { Receiving } from './receiving.ts'
import { SharedStatus } from './shared-status.ts'
import { StageOwner } from './stage-owner.ts'

/** What parts of all plans of a graph share. */
export interface Surroundings {
  readonly environment: Environment
  readonly host: Host
  readonly drops: Drops
  readonly budgets: Readonly<Record<Signal, ByteBudget>>
}

/**
 * Makes the parts of a plan: those of `live` that it has too are taken over as they are, the others are created. Calls nothing of
 * the components but `create`. Throws `CreateFailed`, and then nothing has changed.
 */
export function assemble(plan: Plan, live: ReadonlySet<Part>, surroundings: Surroundings): Assembly {
  const made = new Assembling(plan, live, surroundings)
  try {
    return made.all()
  } catch (error) {
    made.created.forEach(discard)
    throw error
  }
}

/** Of what was created and never started, nothing is measured. */
export const discard = ({ created }: Part): void => created.meter.forget()

class Assembling {
  /** Parts that had to be made. */
  readonly created: Part[] = []
  readonly #plan: Plan
  readonly #surroundings: Surroundings
  readonly #keeping: Keeping
  readonly #components: Components

  constructor(plan: Plan, live: ReadonlySet<Part>, surroundings: Surroundings) {
    this.#plan = plan
    this.#surroundings = surroundings
    this.#keeping = new Keeping(plan, live)
    const offers: Offers = new Map()
    for (const { id } of plan.extensions) {
      const kept = this.#keeping.find(extensionKey(id)) as ExtensionPart | undefined
      if (kept) offers.set(extensionKey(id), kept.created.instance.offers ?? [])
    }
    for (const { id } of plan.receivers) {
      const kept = this.#keeping.find(receiverKey(id)) as ReceiverPart | undefined
      if (kept) offers.set(receiverKey(id), kept.created.instance.offers ?? [])
    }
    this.#components = new Components(surroundings.environment, offers)
  }

  all(): Assembly {
    const plan = this.#plan
    const extensions = plan.extensions.map((each) => this.#extension(each))
    const exporters = plan.exporters.map((each) => this.#exporter(each))
    const connectors = new Map(plan.connectors.map((each) => [connectorKey(each), this.#connector(each)]))
    const stages = plan.pipelines.flatMap((pipeline): Part[] => [
      ...this.#connectorsAfter(pipeline, connectors),
      // The last is the furthest downstream.
      ...pipeline.processors.map((each) => this.#processor(each, pipeline)).toReversed(),
    ])
    const receivers = plan.receivers.map((each) => this.#receiver(each))
    return new Assembly(plan, [...extensions, ...exporters, ...stages, ...receivers])
  }

  #keep<P extends Part>(key: string, make: () => P): P {
    const kept = this.#keeping.find(key)
    if (kept) return kept as P
    const made = make()
    this.created.push(made)
    return made
  }

  #extension(planned: Plan['extensions'][number]): ExtensionPart {
    const key = extensionKey(planned.id)
    const { host } = this.#surroundings
    return this.#keep(key, () => {
      return { kind: 'extension', key, planned, created: this.#components.extension(planned, host) }
    })
  }

  #exporter(planned: PlannedExporter): ExporterPart {
    const key = exporterKey(planned.id)
    return this.#keep(key, () => {
      const created = this.#components.exporter(planned, pipelinesTo(this.#plan, planned.id))
      const status = new SharedStatus(created.status)
      const senders = planned.signals.map(
        (signal) => [signal, this.#sender(planned, signal, created, status.share())] as const,
      )
      return { kind: 'exporter', key, planned, created, senders: new Map(senders) }
    })
  }

  #sender(
    planned: PlannedExporter,
    signal: Signal,
    { instance, meter, extension }: ExporterPart['created'],
    status: ReturnType<SharedStatus['share']>,
  ): Sender {
    const { environment, drops, budgets } = this.#surroundings
    const { id } = planned
    const sending = sendingOf(planned)
    return new Sender({
      id,
      signal,
      exporter: instance,
      sending,
      share: shareOf(this.#plan, signal),
      clock: environment.clock,
      log: environment.logOf('exporter', id),
      meter,
      status,
      budget: budgets[signal],
      storage: () => extension(Storage, sending.queue?.storage ?? ''),
      onDropped: (items, reason, message) => drops.count({ component: id, signal, items, reason, message }),
    })
  }

  #connector(planned: PlannedConnector): ConnectorPart {
    const key = connectorKey(planned)
    const { id, from, to } = planned
    return this.#keep(key, () => {
      const created = this.#components.connector(planned)
      const owner = this.#owner(created, `connector "${id}" (${from} to ${to})`, from, to)
      return { kind: 'connector', key, planned, created, owner, stage: undefined }
    })
  }

  #processor(
    planned: Configured<PlannedPipeline['processors'][number]['definition']>,
    pipeline: PlannedPipeline,
  ): ProcessorPart {
    const key = processorKey(pipeline.id, planned.id)
    return this.#keep(key, () => {
      const created = this.#components.processor(planned, pipeline)
      const owner = this.#owner(created, `processor "${planned.id}" in pipeline "${pipeline.id}"`, pipeline.signal)
      return {
        kind: 'processor',
        key,
        planned,
        pipeline: pipeline.id,
        created,
        owner,
        stage: undefined,
        steps: undefined,
      }
    })
  }

  #owner({ id, kind, status }: Created<unknown>, name: string, signal: Signal, emits = signal): StageOwner {
    const { environment, drops } = this.#surroundings
    const { logOf, metrics } = environment
    return new StageOwner({ id, name, signal, emits, log: logOf(kind, id), meter: metrics, status, drops })
  }

  #receiver(planned: PlannedReceiver): ReceiverPart {
    const { id, acknowledge, outlets } = planned
    const { environment, drops, budgets } = this.#surroundings
    const { clock, metrics } = environment
    return this.#keep(receiverKey(id), () => {
      let receiving: Receiving | undefined
      const ingress = new ReceiverIngress({
        id,
        acknowledge,
        signals: [...outlets.keys()],
        budgets,
        meter: metrics,
        drops,
        onGate: (refused) => receiving?.gate(refused),
        onMisuse: (what) => receiving?.misuse(what),
      })
      const created = this.#components.receiver(planned, ingress)
      const { instance: receiver, status, meter } = created
      const description = 'Batches that have entered and not ended.'
      const unsettled = { unit: '{delivery}', level: 'normal', description } as const
      meter.gauge('telegen.receiver.unsettled', unsettled, () => ingress.open, { receiver: id })
      receiving = new Receiving({ id, receiver, ingress, clock, status, drops })
      return { kind: 'receiver', key: receiverKey(id), planned, created, ingress, receiving }
    })
  }

  /** Connectors that a pipeline leads to, each where it is met first: it starts after all that it feeds. */
  #connectorsAfter({ signal, targets }: PlannedPipeline, left: Map<string, ConnectorPart>): ConnectorPart[] {
    return targets.flatMap((target) => {
      if (target.kind === 'exporter') return []
      const key = connectorKey({ id: target.id, from: signal, to: target.to })
      const found = left.get(key)
      left.delete(key)
      return found ?? []
    })
  }
}

/** Ids of the pipelines that an exporter stands in. */
export const pipelinesTo = ({ pipelines }: Plan, exporter: string): string[] =>
  pipelines
    .filter(({ targets }) => targets.some(({ kind, id }) => kind === 'exporter' && id === exporter))
    .map(({ id }) => id)
