import { DRAWING_FORMS, ITEMS } from '../../plugin.ts'
import type { DrawingForm, EdgeReading, Flow } from '../../plugin.ts'
import { json, refusal, text } from './answer.ts'
import type { Answer } from './answer.ts'
import type { Asked } from './route.ts'

const MOST_SECONDS = 10
const FORMATS = ['json', ...DRAWING_FORMS] as const

/** What runs, with what passed every edge while it was looked at: two readings, `seconds` apart. */
export async function planWithRates({ query, control, context, abort }: Asked): Promise<Answer> {
  const { clock } = context
  const format = query.get('format') ?? 'json'
  const seconds = Number(query.get('seconds') ?? 1)
  if (!(FORMATS as readonly string[]).includes(format)) return refusal(400, `formats are ${FORMATS.join(', ')}`)
  if (!(seconds > 0 && seconds <= MOST_SECONDS)) return refusal(400, `seconds are above 0 and at most ${MOST_SECONDS}`)
  const before = new Map(control.edges().map((edge) => [keyOf(edge), edge]))
  const began = clock.monotonic()
  await clock.sleep(seconds * 1000, abort)
  const took = (clock.monotonic() - began) / 1000
  const edges = control.edges().map((edge) => measured(edge, before.get(keyOf(edge)), took))
  if (format === 'json') return json({ seconds: rounded(took), edges })
  return text(control.draw(format as DrawingForm, edges.map(flowOf)))
}

interface MeasuredEdge extends EdgeReading {
  readonly items_per_second: number
  readonly bytes_per_second: number
}

/** An edge that came to be meanwhile began at nothing. */
function measured(edge: EdgeReading, before: EdgeReading | undefined, seconds: number): MeasuredEdge {
  // One that went and came back has begun anew, too.
  const since = before !== undefined && before.items <= edge.items ? before : { items: 0, bytes: 0 }
  return {
    ...edge,
    items_per_second: rounded((edge.items - since.items) / seconds),
    bytes_per_second: rounded((edge.bytes - since.bytes) / seconds),
  }
}

const flowOf = ({
  pipeline,
  from,
  to,
  signal,
  items_per_second: items,
  bytes_per_second: bytes,
}: MeasuredEdge): Flow => ({
  pipeline,
  from,
  to,
  text: `${items} ${ITEMS[signal].replace('_', ' ')}/s, ${Math.round(bytes / 102.4) / 10} KiB/s`,
})

const keyOf = ({ pipeline, from, to }: EdgeReading): string => JSON.stringify([pipeline, from, to])
const rounded = (value: number): number => Math.round(value * 10) / 10
