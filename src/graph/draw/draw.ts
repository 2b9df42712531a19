import type { Plan } from '../plan.ts'
import { dot } from './dot.ts'
import { drawing } from './drawing.ts'
import { mermaid } from './mermaid.ts'
import { text } from './text.ts'

const DRAW = { text, mermaid, dot }
export type DrawingFormat = keyof typeof DRAW

/** A plan as text for a terminal, as a Mermaid flowchart, or as a Graphviz graph. The same plan always looks the same. */
export const draw = (plan: Plan, format: DrawingFormat): string => DRAW[format](drawing(plan))
