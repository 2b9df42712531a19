import type { Drawing, DrawnPipeline, Part } from './drawing.ts'
import type { Flows } from './flows.ts'

/** Columns of a terminal that is narrow but not unusual. */
const WIDTH = 100
const LABEL = 14
const ARROW = ' → '

/** A paragraph for each pipeline, upstream first, in 100 columns. */
export function text({ extensions, pipelines }: Drawing, flows: Flows): string {
  const paragraphs = pipelines.map((pipeline) => paragraph(pipeline, pipelines, flows))
  const aside = extensions.length > 0 ? [labelled('extensions', wrapped(extensions, ', '))] : []
  return `${[...paragraphs, ...aside].join('\n\n')}\n`
}

function paragraph(pipeline: DrawnPipeline, all: readonly DrawnPipeline[], flows: Flows): string {
  const { id, signal, facts, sources, processors, targets } = pipeline
  const from = (part: Part): readonly string[] => {
    const origins = all.filter((each) => each.targets.includes(part)).map((each) => each.id)
    return [...given(flows.into(pipeline, part)), ...(origins.length > 0 ? [`from ${origins.join(', ')}`] : part.facts)]
  }
  const to = (part: Part): readonly string[] => {
    const { feeds, facts: told, factsOf } = part
    const about = feeds.length > 0 ? [`to ${feeds.join(', ')}`] : (factsOf?.get(signal) ?? told)
    return [...given(flows.outOf(pipeline, part)), ...about]
  }
  return [
    heading(`pipeline ${id}`, facts.join(', ')),
    labelled('  receivers', rows(sources, from)),
    ...(processors.length > 0 ? [labelled('  processors', wrapped(processors, ARROW))] : []),
    labelled('  exporters', rows(targets, to)),
  ].join('\n')
}

const given = (flow: string | undefined): string[] => (flow === undefined ? [] : [flow])

const heading = (left: string, right: string): string =>
  left.length + right.length + 2 > WIDTH ? `${left}\n  ${right}` : left + right.padStart(WIDTH - left.length)

function labelled(label: string, lines: readonly string[]): string {
  return lines.map((line, index) => (index === 0 ? label : '').padEnd(LABEL) + line).join('\n')
}

/** Ids in a column, beside each what is to be said of it. */
function rows(parts: readonly Part[], about: (part: Part) => readonly string[]): string[] {
  const widest = Math.max(...parts.map(({ id }) => id.length))
  const room = WIDTH - LABEL
  const column = widest + 2 < room / 2 ? widest + 2 : 0
  return parts.flatMap((part) => {
    const facts = wrapped(about(part), ', ', room - Math.max(column, 2))
    if (column === 0) return [part.id, ...facts.map((fact) => `  ${fact}`)]
    return facts.map((fact, index) => (index === 0 ? part.id : '').padEnd(column) + fact)
  })
}

/** Words joined, broken before one that would not fit. What is longer than a line stays whole. */
function wrapped(words: readonly string[], joint: string, width = WIDTH - LABEL): string[] {
  const lines: string[] = []
  let line = ''
  for (const [index, word] of words.entries()) {
    const piece = index === words.length - 1 ? word : word + joint.trimEnd()
    if (line !== '' && line.length + 1 + piece.length > width) {
      lines.push(line)
      line = piece
    } else line = line === '' ? piece : `${line} ${piece}`
  }
  return [...lines, line]
}
