import type { Connector, Exporter, Extension, Processor, Receiver } from '../component/definition.ts'
import type { Configured } from '../config/configuration.ts'
import type { ExtensionDefinition, ProcessorDefinition } from '../component/definition.ts'
import type { Signal } from '../data/signal.ts'
import type { Sender } from '../sending/sender.ts'
import type { Created } from './components.ts'
import type { OperatorStage } from './operator-stage.ts'
import type { Plan, PlannedConnector, PlannedExporter, PlannedPipeline, PlannedReceiver } from './plan.ts'
import type { ReceiverIngress } from './receiver-ingress.ts'
import type { Receiving } from './receiving.ts'
import type { StageOwner } from './stage-owner.ts'
import type { StepsOf } from './steps-stage.ts'

/** One component of a graph, with what the engine puts around it. */
export type Part = ExtensionPart | ExporterPart | ConnectorPart | ProcessorPart | ReceiverPart

export interface ExtensionPart {
  readonly kind: 'extension'
  readonly key: string
  readonly planned: Configured<ExtensionDefinition>
  readonly created: Created<Extension>
}

export interface ExporterPart {
  readonly kind: 'exporter'
  readonly key: string
  readonly planned: PlannedExporter
  readonly created: Created<Exporter>
  readonly senders: ReadonlyMap<Signal, Sender>
}

export interface ConnectorPart {
  readonly kind: 'connector'
  readonly key: string
  readonly planned: PlannedConnector
  readonly created: Created<Connector>
  readonly owner: StageOwner
  /** Since it was started. */
  stage: OperatorStage | undefined
}

export interface ProcessorPart {
  readonly kind: 'processor'
  readonly key: string
  readonly planned: Configured<ProcessorDefinition>
  readonly pipeline: string
  readonly created: Created<Processor>
  readonly owner: StageOwner
  /** One of these since it was started: a barrier, or steps to be fused with those of neighbours. */
  stage: OperatorStage | undefined
  steps: StepsOf | undefined
}

export interface ReceiverPart {
  readonly kind: 'receiver'
  readonly key: string
  readonly planned: PlannedReceiver
  readonly created: Created<Receiver>
  readonly ingress: ReceiverIngress
  readonly receiving: Receiving
}

/** What a component is called from one plan to the next: the same key is the same component, changed or not. Those of others stand in `keys.ts`. */
export const exporterKey = (id: string): string => `exporter ${id}`
export const processorKey = (pipeline: string, id: string): string => `processor ${id} in ${pipeline}`
export const connectorKey = ({ id, from, to }: Pick<PlannedConnector, 'id' | 'from' | 'to'>): string =>
  `connector ${id} ${from} to ${to}`
export const senderKey = (exporter: string, signal: Signal): string => `${exporterKey(exporter)} ${signal}`

/** The parts of a plan, in the order in which they start: extensions, then downstream first, receivers last. */
export class Assembly {
  readonly plan: Plan
  readonly parts: readonly Part[]
  readonly #byKey: ReadonlyMap<string, Part>

  constructor(plan: Plan, parts: readonly Part[]) {
    this.plan = plan
    this.parts = parts
    this.#byKey = new Map(parts.map((part) => [part.key, part]))
  }

  find(key: string): Part | undefined {
    return this.#byKey.get(key)
  }

  exporter(id: string): ExporterPart {
    return this.find(exporterKey(id)) as ExporterPart
  }

  processor(pipeline: string, id: string): ProcessorPart {
    return this.find(processorKey(pipeline, id)) as ProcessorPart
  }

  connector(planned: Pick<PlannedConnector, 'id' | 'from' | 'to'>): ConnectorPart {
    return this.find(connectorKey(planned)) as ConnectorPart
  }

  get receivers(): readonly ReceiverPart[] {
    return this.parts.filter((part) => part.kind === 'receiver')
  }

  get exporters(): readonly ExporterPart[] {
    return this.parts.filter((part) => part.kind === 'exporter')
  }

  processorsOf({ id, processors }: PlannedPipeline): readonly ProcessorPart[] {
    return processors.map((each) => this.processor(id, each.id))
  }
}
