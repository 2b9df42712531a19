import type { Drawing, DrawnPipeline, Part } from './drawing.ts'
import type { Flows } from './flows.ts'

/** Names for the nodes of a drawing, and its edges, for languages that want every node named by a word. */
export interface Layout {
  readonly nameOf: (part: Part) => string
  /** Of each pipeline, at least one. */
  readonly stages: readonly (readonly Stage[])[]
  /** Between parts and pipelines. */
  readonly edges: readonly LaidEdge[]
  /** Of each pipeline, between its stages, which follow one another. */
  readonly inner: readonly (readonly LaidEdge[])[]
}

export interface Stage {
  readonly name: string
  readonly text: string
}

export interface LaidEdge {
  readonly from: string
  readonly to: string
  /** What passes there, where it is known. */
  readonly flow: string | undefined
}

export function layout({ receivers, connectors, exporters, pipelines }: Drawing, flows: Flows): Layout {
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
  const entryOf = (id: string) => {
    const index = pipelines.findIndex((pipeline) => pipeline.id === id)
    return { pipeline: pipelines[index] as DrawnPipeline, to: stages[index]?.[0]?.name as string }
  }
  const edges = [
    ...[...receivers, ...connectors].flatMap((part) =>
      part.feeds.map((fed): LaidEdge => {
        const { pipeline, to } = entryOf(fed)
        return { from: nameOf(part), to, flow: flows.into(pipeline, part) }
      }),
    ),
    ...pipelines.flatMap((pipeline, index) =>
      pipeline.targets.map((target): LaidEdge => ({
        from: stages[index]?.at(-1)?.name as string,
        to: nameOf(target),
        flow: flows.outOf(pipeline, target),
      })),
    ),
  ]
  const inner = pipelines.map((pipeline, index) =>
    (stages[index] ?? []).slice(1).map((stage, position): LaidEdge => {
      const before = stages[index]?.[position] as Stage
      return { from: before.name, to: stage.name, flow: flows.between(pipeline, before.text, stage.text) }
    }),
  )
  return { nameOf, stages, edges, inner }
}
