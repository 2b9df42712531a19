import type { Log } from '../component/context.ts'
import type { Tap, Tapped, TapSide } from '../component/control.ts'
import { nearest } from '../config/nearest.ts'
import type { Batch } from '../data/batch.ts'
import type { Edge, EdgeCount, EdgeListener, Edges } from './edges.ts'

/** Taps open at a time: each costs the pipelines a little of every batch. */
export const MAX_TAPS = 16
/** Names told to one who asked for something that is not there. */
const NAMES_TOLD = 32

interface Open {
  readonly target: string
  readonly side: TapSide | undefined
  readonly listener: EdgeListener
  counts: readonly EdgeCount[]
}

/** Who looks at the edges of a running graph. Taps live on when it is wired anew. */
export class Taps {
  readonly #edges: Edges
  readonly #log: Log
  readonly #open = new Set<Open>()

  constructor(edges: Edges, log: Log) {
    this.#edges = edges
    this.#log = log
    edges.onChange(() => this.#renew())
  }

  /** Throws where there is nothing of that name, or too many look already. */
  tap(target: string, listener: (tapped: Tapped) => void, side?: TapSide): Tap {
    if (this.#open.size >= MAX_TAPS) throw new Error(`${MAX_TAPS} taps are open already`)
    const counts = this.#find(target, side)
    if (counts.length === 0) throw new Error(this.#nothing(target, side))
    const open: Open = { target, side, counts: [], listener: (batch, edge) => this.#tell(open, listener, batch, edge) }
    this.#open.add(open)
    this.#attach(open, counts)
    return {
      edges: counts.map(({ edge: { pipeline, from, to } }) => ({ pipeline, from, to })),
      note: this.#note(target, side),
      close: () => this.#close(open),
    }
  }

  #tell(open: Open, listener: (tapped: Tapped) => void, batch: Batch, { pipeline, from, to }: Edge): void {
    try {
      listener({ pipeline, from, to, batch })
    } catch (error) {
      // Whoever looks must not harm what it looks at.
      this.#close(open)
      this.#log.error({ target: open.target, error }, 'A tap failed and was closed')
    }
  }

  #close(open: Open): void {
    this.#open.delete(open)
    this.#attach(open, [])
  }

  #renew(): void {
    for (const open of this.#open) this.#attach(open, this.#find(open.target, open.side))
  }

  #attach(open: Open, counts: readonly EdgeCount[]): void {
    for (const count of open.counts) count.unlisten(open.listener)
    for (const count of counts) count.listen(open.listener)
    open.counts = counts
  }

  #find(target: string, side: TapSide | undefined): readonly EdgeCount[] {
    if (side !== undefined) return this.#onSide(target, side)
    const entering = this.#onSide(target, 'in')
    return entering.length > 0 ? entering : this.#onSide(target, 'out')
  }

  #onSide(target: string, side: TapSide): readonly EdgeCount[] {
    const counts = this.#edges.counts()
    const isPipeline = counts.some(({ edge }) => edge.pipeline === target)
    const found = counts.filter(({ edge }) => {
      if (isPipeline) return edge.pipeline === target && (side === 'in' ? edge.enters : edge.leaves)
      const stage = this.#edges.fusedWith(edge.pipeline, target)
      return side === 'in' ? edge.to === stage[0] : edge.from === stage.at(-1)
    })
    // A fan of exporters is given the same batch: it is seen once. Into a component each edge brings something else.
    return isPipeline || side === 'out' ? onceEach(found) : found
  }

  /** Undefined where what is seen is exactly what was asked for. */
  #note(target: string, asked: TapSide | undefined): string | undefined {
    const side = asked ?? (this.#onSide(target, 'in').length > 0 ? 'in' : 'out')
    const stages = this.#edges
      .counts()
      .map(({ edge }) => this.#edges.fusedWith(edge.pipeline, target))
      .filter((stage) => stage.at(side === 'in' ? 0 : -1) !== target)
      .map((stage) => stage.join(', '))
    if (stages.length === 0) return undefined
    const told = [...new Set(stages)].join('; ')
    return `"${target}" runs in one visit with its neighbours (${told}): shown is what ${side === 'in' ? 'goes into' : 'comes out of'} them all`
  }

  #nothing(target: string, side: TapSide | undefined): string {
    const other = side === 'in' ? 'out' : 'in'
    if (side !== undefined && this.#onSide(target, other).length > 0)
      return side === 'in'
        ? `nothing goes into "${target}": look at side "out"`
        : `nothing comes out of "${target}": look at side "in"`
    const names = this.#names()
    const close = nearest(target, names)
    const told = names.length > NAMES_TOLD ? `${names.slice(0, NAMES_TOLD).join(', ')}, …` : names.join(', ')
    return `there is no pipeline or component "${target}"${close ? `, did you mean "${close}"?` : ''}; there are ${told}`
  }

  #names(): string[] {
    const edges = this.#edges.counts().map(({ edge }) => edge)
    const fused = edges.flatMap(({ pipeline, to }) => this.#edges.fusedWith(pipeline, to))
    return [...new Set([...edges.flatMap(({ pipeline, from, to }) => [pipeline, from, to]), ...fused])].sort()
  }
}

const onceEach = (counts: readonly EdgeCount[]): EdgeCount[] => {
  const seen = new Map(counts.map((count) => [JSON.stringify([count.edge.pipeline, count.edge.from]), count]))
  return [...seen.values()]
}
