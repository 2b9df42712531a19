import type { Drawing, Part } from './drawing.ts'

/** Names for the nodes of a drawing, and its edges, for languages that want every node named by a word. */
export interface Layout {
  readonly nameOf: (part: Part) => string
  /** Of each pipeline, at least one. */
  readonly stages: readonly (readonly Stage[])[]
  /** Between parts and pipelines; the stages of a pipeline follow one another. */
  readonly edges: readonly (readonly [from: string, to: string])[]
}

export interface Stage {
  readonly name: string
  readonly text: string
}

export function layout({ receivers, connectors, exporters, pipelines }: Drawing): Layout {
  const names = new Map<string, string>()
  for (const [kind, parts] of Object.entries({ receiver: receivers, connector: connectors, exporter: exporters }))
    for (const [index, { key }] of parts.entries()) names.set(key, `${kind}${index}`)
  const nameOf = ({ key }: Part): string => names.get(key) as string
  const stages = pipelines.map(({ processors }, index) =>
    // Edges need a node to lead to.
    (processors.length > 0 ? processors : ['no processors']).map((text, position) => ({
      name: `pipeline${index}_${position}`,
      text,
    })),
  )
  const entries = new Map(pipelines.map(({ id }, index) => [id, stages[index]?.[0]?.name as string]))
  const edges = [
    ...[...receivers, ...connectors].flatMap((part) =>
      part.feeds.map((pipeline) => [nameOf(part), entries.get(pipeline) as string] as const),
    ),
    ...pipelines.flatMap(({ targets }, index) =>
      targets.map((target) => [stages[index]?.at(-1)?.name as string, nameOf(target)] as const),
    ),
  ]
  return { nameOf, stages, edges }
}
