import { error } from '../fault.ts'
import type { Fault } from '../fault.ts'
import type { Part, Written } from './pipelines.ts'
import { connects } from './connectors.ts'

/** Reports rings of pipelines: data that goes in would never come to an end. Each ring once. */
export function checkCycles(pipelines: readonly Written[], report: (fault: Fault) => void): void {
  const edges = new Map(pipelines.map((pipeline) => [pipeline, edgesOf(pipeline, pipelines)]))
  const done = new Set<Written>()
  const path: Edge[] = []
  const follow = (pipeline: Written): void => {
    for (const edge of edges.get(pipeline) ?? []) {
      const start = path.findIndex(({ from }) => from === edge.to)
      if (edge.to === pipeline) report(cycle([edge]))
      else if (start !== -1) report(cycle([...path.slice(start), edge]))
      else if (!done.has(edge.to)) {
        path.push(edge)
        follow(edge.to)
        path.pop()
      }
    }
    done.add(pipeline)
  }
  for (const pipeline of pipelines) if (!done.has(pipeline)) follow(pipeline)
}

/** From one pipeline into another through a connector. */
interface Edge {
  readonly from: Written
  readonly to: Written
  readonly part: Part
}

function edgesOf(from: Written, pipelines: readonly Written[]): Edge[] {
  return from.exporters.flatMap((part) => {
    const { definition } = part.component
    if (definition?.kind !== 'connector') return []
    return pipelines
      .filter(
        (to) =>
          to.receivers.some(({ component }) => component === part.component) &&
          connects(definition, from.signal, to.signal),
      )
      .map((to) => ({ from, to, part }))
  })
}

function cycle(edges: readonly Edge[]): Fault {
  const first = edges[0] as Edge
  const nodes = [...edges.slice(1), first].flatMap((edge) => [
    ...edge.from.processors.map((part) => processor(part, edge.from)),
    connector(edge),
  ])
  const message = `failed to build pipelines: cycle detected: ${[connector(first), ...nodes].join(' -> ')}`
  return error({ code: 'cycle', message, path: first.from.path, place: first.part.place })
}

const connector = ({ from, to, part }: Edge): string =>
  `connector "${part.component.id}" (${from.signal} to ${to.signal})`
const processor = ({ component }: Part, { id }: Written): string => `processor "${component.id}" in pipeline "${id}"`
