import type { Flow } from '../../component/control.ts'
import type { DrawnPipeline, Part } from './drawing.ts'

/** What is to be said of edges, found by what a drawing knows of them. */
export class Flows {
  readonly #texts: ReadonlyMap<string, string>

  constructor(flows: readonly Flow[]) {
    this.#texts = new Map(flows.map(({ pipeline, from, to, text }) => [key(pipeline, from, to), text]))
  }

  /** Into a pipeline: to its first processor, without any to its targets, which are all given the same. */
  into({ id, processors, targets }: DrawnPipeline, { id: from }: Part): string | undefined {
    return this.#of(id, from, processors[0] ?? targets[0]?.id)
  }

  /** Undefined between neighbours that run in one visit, too. */
  between({ id }: DrawnPipeline, from: string, to: string): string | undefined {
    return this.#of(id, from, to)
  }

  /** What leaves a pipeline without processors is what came into it, and stands there. */
  outOf({ id, processors }: DrawnPipeline, { id: to }: Part): string | undefined {
    return this.#of(id, processors.at(-1), to)
  }

  #of(pipeline: string, from: string | undefined, to: string | undefined): string | undefined {
    return from === undefined || to === undefined ? undefined : this.#texts.get(key(pipeline, from, to))
  }
}

const key = (...ids: readonly string[]): string => JSON.stringify(ids)
