import type { Drawing, Part } from './drawing.ts'
import { layout } from './layout.ts'

/** A Graphviz graph: `telegen graph --output dot | dot -Tsvg`. */
export function dot(drawing: Drawing): string {
  const { nameOf, stages, edges } = layout(drawing)
  const part = (each: Part, shape: string): string =>
    `  ${nameOf(each)} [label=${label(each.id, each.facts)}, shape=${shape}]`
  const clusters = drawing.pipelines.flatMap(({ id, facts }, index) => {
    const names = (stages[index] ?? []).map(({ name }) => name)
    return [
      `  subgraph cluster_pipeline${index} {`,
      `    label=${label(id, facts)}`,
      ...(stages[index] ?? []).map(({ name, text }) => `    ${name} [label=${label(text)}]`),
      ...(names.length > 1 ? [`    ${names.join(' -> ')}`] : []),
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
    ...edges.map(([from, to]) => `  ${from} -> ${to}`),
    ...aside(drawing.extensions),
    '}',
    '',
  ].join('\n')
}

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
