import type { Signal } from '../data/signal.ts'
import type { Sink } from '../sending/sink.ts'
import type { Edge, Edges } from './edges.ts'
import { fan } from './fan.ts'
import type { Assembly } from './parts.ts'
import { senderKey } from './parts.ts'
import type { Places } from './places.ts'
import type { Plan, PlannedPipeline, Target } from './plan.ts'
import { fuse } from './fusion.ts'
import type { Run } from './fusion.ts'
import { NOWHERE } from './nowhere.ts'

export type Runs = ReadonlyMap<string, readonly Run[]>

/** Compiles the steps of every pipeline. Throws where they cannot be; nothing has changed then. */
export const runsOf = (assembly: Assembly): Runs =>
  new Map(assembly.plan.pipelines.map((pipeline) => [pipeline.id, fuse(pipeline, assembly.processorsOf(pipeline))]))

/**
 * Points every part of an assembly at what comes next there, all in one turn of the event loop: a delivery meets the old ways or the new
 * ones. Parts that the assembly does not have keep their ways, so that what they still hold comes out behind them.
 */
export function connect(assembly: Assembly, runs: Runs, edges: Edges, places: Places): void {
  edges.renew(() => new Wiring(assembly, runs, edges, places).connect())
}

class Wiring {
  readonly #assembly: Assembly
  readonly #plan: Plan
  readonly #runs: Runs
  readonly #edges: Edges
  readonly #places: Places

  constructor(assembly: Assembly, runs: Runs, edges: Edges, places: Places) {
    this.#assembly = assembly
    this.#plan = assembly.plan
    this.#runs = runs
    this.#edges = edges
    this.#places = places
  }

  connect(): void {
    for (const pipeline of this.#plan.pipelines) this.#connectPipeline(pipeline)
    for (const planned of this.#plan.connectors) {
      const { stage } = this.#assembly.connector(planned)
      if (stage === undefined) continue
      stage.output = fan(planned.pipelines.map((id) => this.#entry(planned.id, id)))
    }
    for (const planned of this.#plan.receivers) {
      const part = this.#assembly.receivers.find(({ created }) => created.id === planned.id)
      if (part === undefined) continue
      const outlets = [...planned.outlets].map(
        ([signal, ids]) => [signal, fan(ids.map((id) => this.#entry(planned.id, id)))] as const,
      )
      part.receiving.outlets = new Map(outlets)
    }
  }

  #connectPipeline(pipeline: PlannedPipeline): void {
    const { id, signal } = pipeline
    const runs = this.#runs.get(id) as readonly Run[]
    for (const [index, run] of runs.entries()) {
      if (run.fused) this.#edges.fuse(id, run.ids)
      const stage = run.fused ?? this.#assembly.processor(id, run.ids[0]).stage
      if (stage === undefined) continue
      const from = run.ids.at(-1) as string
      const next = runs[index + 1]
      stage.output = next
        ? this.#edges.counted(this.#sinkOf(id, next), [{ pipeline: id, signal, from, to: next.ids[0] }])
        : this.#tail(pipeline, from)
    }
  }

  #sinkOf(pipeline: string, { ids: [first], fused }: Run): Sink {
    return fused ?? this.#assembly.processor(pipeline, first).stage ?? NOWHERE
  }

  /** `last`: the pipeline's last processor; without one, what enters is counted for the targets already. */
  #tail({ id, signal, targets }: PlannedPipeline, last: string | undefined): Sink {
    return fan(
      targets.map((target) => {
        // A connector that makes several signals is several targets, and one place where batches go.
        const isFirst = targets.find((each) => each.id === target.id) === target
        const edge = { pipeline: id, signal, from: last ?? '', to: target.id, leaves: true }
        return this.#edges.counted(this.#place(target, signal), last !== undefined && isFirst ? [edge] : [])
      }),
    )
  }

  #place(target: Target, signal: Signal): Sink {
    return target.kind === 'exporter'
      ? this.#places.of(senderKey(target.id, signal), target.id)
      : (this.#assembly.connector({ id: target.id, from: signal, to: target.to }).stage ?? NOWHERE)
  }

  /** The way from a receiver or connector into a pipeline. */
  #entry(from: string, id: string): Sink {
    const pipeline = this.#plan.pipelines.find((each) => each.id === id) as PlannedPipeline
    const { signal, processors, targets } = pipeline
    const [first] = processors
    const [run] = this.#runs.get(id) as readonly Run[]
    const next = first ? [first.id] : new Set(targets.map((target) => target.id))
    const edges: Edge[] = [...next].map((to) => ({ pipeline: id, signal, from, to, enters: true, leaves: !first }))
    return this.#edges.counted(run ? this.#sinkOf(id, run) : this.#tail(pipeline, undefined), edges)
  }
}
