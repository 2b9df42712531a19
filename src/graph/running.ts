import type { Signal } from '../data/signal.ts'
import type { Sink } from '../sending/sink.ts'
import type { Pipeline } from './pipeline.ts'
import type { PlannedConnector } from './plan.ts'

/** Pipelines and connectors that run, by name. */
export class Running {
  readonly #pipelines = new Map<string, Pipeline>()

  set(key: string, pipeline: Pipeline): void {
    this.#pipelines.set(key, pipeline)
  }

  get(key: string): Pipeline | undefined {
    return this.#pipelines.get(key)
  }

  /** A sink that is looked up when the first delivery comes: by then everything runs. */
  late(key: string): Sink {
    let sink: Sink | undefined
    return { take: (delivery) => (sink ??= this.#pipelines.get(key) as Pipeline).take(delivery) }
  }
}

export const pipelineKey = (id: string): string => `pipeline ${id}`
export const connectorKey = ({ id, from, to }: Pick<PlannedConnector, 'id' | 'from' | 'to'>): string =>
  `connector ${id} ${from} ${to}`
export const senderKey = (exporter: string, signal: Signal): string => `${exporter} ${signal}`
