import type { Batch } from '../batch.ts'
import type { RecordLevel } from '../steps/step.ts'
import { all, PART_TAG, plant, type Node } from '../steps/node.ts'
import { Arena } from '../wire/arena.ts'
import { END, ENTRY, VALUE } from '../wire/message.ts'
import { Dictionary } from '../wire/dictionary.ts'
import type { DataPoint } from './data-point.ts'
import type { LogRecord } from './log-record.ts'
import type { Metric } from './metric.ts'
import type { Profile } from './profile.ts'
import type { RecordView } from './record-view.ts'
import type { Resource } from './resource.ts'
import type { Sample } from './sample.ts'
import type { Scope } from './scope.ts'
import type { SpanEvent } from './span-event.ts'
import type { SpanLink } from './span-link.ts'
import type { Span } from './span.ts'
import type { Exemplar } from './exemplar.ts'
import { viewOf } from './view-of.ts'

export interface ViewOf {
  resource: Resource
  scope: Scope
  span: Span
  spanEvent: SpanEvent
  spanLink: SpanLink
  metric: Metric
  dataPoint: DataPoint
  exemplar: Exemplar
  logRecord: LogRecord
  profile: Profile
  sample: Sample
}

/**
 * Goes over a batch, to look at it: yields a view of each record of the given levels, outer ones before what is inside of
 * them. Views are the same objects again and again, valid until the next one is asked for, and cannot change anything.
 *
 * ```ts
 * for (const record of records(batch, 'resource', 'span')) {
 *   if (record.level === 'resource') host = record.attributes.get('host.name')
 *   else console.log(host, record.name)
 * }
 * ```
 */
export function* records<L extends RecordLevel>(batch: Batch, ...levels: readonly L[]): Generator<ViewOf[L]> {
  const arena = new Arena()
  const root = plant(batch.signal, arena)
  const views = new Map<Node, RecordView>()
  for (const node of all(root)) {
    if (node.level === undefined || !levels.includes(node.level as L)) continue
    views.set(node, viewOf(node))
    node.acts.push(LOOK)
  }
  root.settle()
  root.seal(true)
  for (const segment of batch.segments()) {
    arena.over(segment)
    if (root.references !== undefined) {
      arena.dictionary = new Dictionary(0, segment.length)
      root.references.begin()
    }
    yield* walk(root, 0, segment.length, views) as Generator<ViewOf[L]>
  }
}

export const spans = (batch: Batch<'traces'>): Generator<Span> => records(batch, 'span')
export const dataPoints = (batch: Batch<'metrics'>): Generator<DataPoint> => records(batch, 'dataPoint')
export const samples = (batch: Batch<'profiles'>): Generator<Sample> => records(batch, 'sample')
export const logRecords = (batch: Batch<'logs'>): Generator<LogRecord> => records(batch, 'logRecord')

/** Stands for the caller among the acts of a node, so that the node counts as visited. */
const LOOK = () => false

/** Yields the view of the record `[start, end)`, if it is asked for, and then what is inside. */
function* walk(node: Node, start: number, end: number, views: ReadonlyMap<Node, RecordView>): Generator<RecordView> {
  const { message, part } = node
  message.begin()
  message.scan(start, end)
  if (part !== undefined) {
    part.begin()
    part.scanAll(message, PART_TAG)
  }
  const view = views.get(node)
  node.expand()
  if (view !== undefined) yield view
  if (!node.hasVisited) return
  for (let index = node.firstThatCounts(); index < message.length; index += ENTRY) {
    const inner = node.visited(message.tape[index]!)
    if (inner !== undefined) yield* walk(inner, message.tape[index + VALUE]!, message.tape[index + END]!, views)
  }
}
