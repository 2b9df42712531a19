import type { DrawingForm, Flow } from '../../component/control.ts'
import type { Division } from '../division.ts'
import type { Plan } from '../plan.ts'
import { dot } from './dot.ts'
import { drawing } from './drawing.ts'
import { Flows } from './flows.ts'
import { mermaid } from './mermaid.ts'
import { text } from './text.ts'

const DRAW = { text, mermaid, dot }
export type DrawingFormat = DrawingForm

/**
 * A plan as text for a terminal, as a Mermaid flowchart, or as a Graphviz graph, with what `flows` say beside the edges,
 * and of each pipeline in how many processes it runs, where they are several. The same plan always looks the same.
 */
export const draw = (
  plan: Plan,
  format: DrawingFormat,
  flows: readonly Flow[] = [],
  division?: Pick<Division, 'processes' | 'copied'>,
): string => DRAW[format](drawing(plan, division), new Flows(flows))
