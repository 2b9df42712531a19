import type { Drawing, Part } from './drawing.ts'
import type { Flows } from './flows.ts'
import { layout } from './layout.ts'
import type { LaidEdge } from './layout.ts'

/** A Graphviz graph: `telegen graph --output dot | dot -Tsvg`. */
export function dot(drawing: Drawing, flows: Flows): string {
  const { nameOf, stages, edges, inner } = layout(drawing, flows)
  const part = (each: Part, shape: string): string =>
    `  ${nameOf(each)} [label=${label(each.id, each.facts)}, shape=${shape}]`
  const clusters = drawing.pipelines.flatMap(({ id, facts }, index) => {
    return [
      `  subgraph cluster_pipeline${index} {`,
      `    label=${label(id, facts)}`,
      ...(stages[index] ?? []).map(({ name, text }) => `    ${name} [label=${label(text)}]`),
      ...chain(inner[index] ?? []),
      '  }',
    ]
  })
  return [
    'digraph telegen {',
    '  rankdir=LR',
    '  node [shape=box, fontname="sans-serif", fontsize=11]',
    '  graph [fontname="sans-serif", fontsize=11]',
    ...drawing.receivers.map((each) => part(each, 'cds')),
    ...clusters,
    ...drawing.connectors.map((each) => part(each, 'hexagon')),
    ...drawing.exporters.map((each) => part(each, 'cylinder')),
    ...edges.map((edge) => `  ${arrow(edge)}`),
    ...aside(drawing.extensions),
    '}',
    '',
  ].join('\n')
}

/** In one line, unless there is something to say about its edges. */
function chain(edges: readonly LaidEdge[]): string[] {
  const [first] = edges
  if (first === undefined) return []
  if (edges.some(({ flow }) => flow !== undefined)) return edges.map((edge) => `    ${arrow(edge)}`)
  return [`    ${[first.from, ...edges.map(({ to }) => to)].join(' -> ')}`]
}

const arrow = ({ from, to, flow }: LaidEdge): string =>
  `${from} -> ${to}${flow === undefined ? '' : ` [label=${label(flow)}]`}`

function aside(extensions: readonly string[]): string[] {
  if (extensions.length === 0) return []
  return [
    '  subgraph cluster_extensions {',
    '    label="extensions"',
    '    style=dashed',
    ...extensions.map((id, index) => `    extension${index} [label=${label(id)}, shape=component]`),
    '  }',
  ]
}

const label = (first: string, more: readonly string[] = []): string =>
  `"${[first, ...more].map((line) => line.replace(/[\\"]/g, '\\$&')).join('\\n')}"`
