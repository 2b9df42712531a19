import type { Drawing, Part } from './drawing.ts'
import type { Flows } from './flows.ts'
import { layout } from './layout.ts'
import type { LaidEdge } from './layout.ts'

/** A Mermaid flowchart, for Markdown. */
export function mermaid(drawing: Drawing, flows: Flows): string {
  const { nameOf, stages, edges, inner } = layout(drawing, flows)
  const part = (each: Part, [open, close]: readonly [string, string]): string =>
    `  ${nameOf(each)}${open}${label(each.id, each.facts)}${close}`
  const clusters = drawing.pipelines.flatMap(({ id, facts }, index) => [
    `  subgraph pipeline${index}[${label(id, facts)}]`,
    '    direction LR',
    ...(stages[index] ?? []).map(({ name, text }) => `    ${name}[${label(text)}]`),
    ...chain(inner[index] ?? []),
    '  end',
  ])
  return [
    'flowchart LR',
    ...drawing.receivers.map((each) => part(each, ['([', '])'])),
    ...clusters,
    ...drawing.connectors.map((each) => part(each, ['{{', '}}'])),
    ...drawing.exporters.map((each) => part(each, ['[(', ')]'])),
    ...edges.map((edge) => `  ${edge.from}${arrow(edge)}`),
    ...aside(drawing.extensions),
    '',
  ].join('\n')
}

const chain = (edges: readonly LaidEdge[]): string[] => {
  const [first] = edges
  return first ? [`    ${first.from}${edges.map(arrow).join('')}`] : []
}

const arrow = ({ to, flow }: LaidEdge): string => ` -->${flow === undefined ? '' : `|${label(flow)}|`} ${to}`

function aside(extensions: readonly string[]): string[] {
  if (extensions.length === 0) return []
  return [
    `  subgraph extensions[${label('extensions')}]`,
    ...extensions.map((id, index) => `    extension${index}[/${label(id)}/]`),
    '  end',
  ]
}

/** In quotes only a quote, and what begins an entity or a tag, means anything. */
const label = (first: string, more: readonly string[] = []): string => `"${[first, ...more].map(safe).join('<br/>')}"`

const safe = (text: string): string => text.replace(/[#"&<>`]/g, (character) => `#${character.codePointAt(0)};`)
