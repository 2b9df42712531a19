import type { Signal } from '../signal.ts'
import type { Arena } from '../wire/arena.ts'
import { fieldTag } from '../wire/scalar-field.ts'
import type { Interest } from '../wire/interest.ts'
import { ENTRY, Message } from '../wire/message.ts'
import { MESSAGES, REQUESTS, type MessageName } from '../wire/schema.ts'
import { subjectOf, type Scope, type Subject } from './levels.ts'
import { References } from './references.ts'
import type { RecordLevel } from './step.ts'

/** The field of a resource's or scope's container that holds the resource or scope itself. */
export const PART_TAG = 0x0a
/** Tags of embedded messages that are visited are smaller than this. */
const TAGS = 128

/** What a step does on the record at hand; true to drop it. */
export type Act = () => boolean

/** One kind of message of a request, and what a visit does on each of them. */
export class Node {
  readonly name: MessageName
  /** Name and tag of the field that it stands in. */
  readonly field: string
  readonly tag: number
  readonly message: Message
  /** Where the resource or scope stands apart from the container that it describes. */
  readonly part: Message | undefined
  readonly level: RecordLevel | undefined
  /** What steps on this level see. */
  readonly scope: Scope
  /** Messages inside. */
  readonly inner: readonly Node[]
  /** Whether `Batch.items` counts it. */
  readonly isItem: boolean
  /** Whether it goes when the last record in it was dropped. */
  readonly isContainer: boolean
  /** Whether only the last of the different fields in `inner` counts. */
  readonly #isOneof: boolean

  // What a visit does here, set when it is built.
  readonly acts: Act[] = []
  /** The step that each of them belongs to. */
  readonly steps: number[] = []
  /** Whether anything happens inside. */
  hasVisited = false
  /** Whether steps look at the record itself, and do not only drop it for what encloses it. */
  readsRecord = false
  /** What they look for in it; undefined where that may be anything. */
  interest: Interest | undefined
  /** Whether steps look at `part`. */
  readsPart = false
  /** Whether inner steps change this record, which is then written after them. */
  writtenInside = false
  /** In profiles: the attributes that records point at. */
  readonly references: References | undefined
  /** The field that holds the indices of a record's attributes; 0 where it holds its attributes itself. */
  readonly attributeIndices: number
  readonly #visited: (Node | undefined)[] = Array.from({ length: TAGS })

  constructor(name: MessageName, field: string, tag: number, arena: Arena, outer: Scope, references?: References) {
    const shape = SHAPES[name] ?? {}
    this.name = name
    this.field = field
    this.tag = tag
    this.message = new Message(arena)
    this.part = shape.part === undefined ? undefined : new Message(arena)
    this.level = shape.level
    this.scope =
      shape.level === undefined
        ? outer
        : {
            ...outer,
            [shape.level]: subjectOf(shape.level, shape.part ?? name, this.part ?? this.message, this.message),
          }
    this.references = references
    this.attributeIndices =
      shape.level === undefined
        ? 0
        : (MESSAGES[name].fields.find(({ table, repeated }) => table === 'attribute_table' && repeated)?.number ?? 0)
    this.isItem = ITEMS.has(name)
    this.isContainer = shape.isContainer ?? false
    this.#isOneof = name === 'Metric'
    this.inner = MESSAGES[name].fields
      .filter((inner) => (shape.inner ?? []).includes(inner.name))
      .map((inner) => new Node(inner.message!, inner.name, fieldTag(inner), arena, this.scope, references))
  }

  /** The inner node that is visited for a field with this tag. */
  visited(tag: number): Node | undefined {
    return (tag & (TAGS - 1)) === tag ? this.#visited[tag] : undefined
  }

  /**
   * Where the entries begin, on the tape, of those that count: of a oneof, what stands before another field of it does
   * not.
   */
  firstThatCounts(): number {
    if (!this.#isOneof) return 0
    const { tape, length } = this.message
    let winner = -1
    let first = length
    for (let index = length - ENTRY; index >= 0; index -= ENTRY) {
      const tag = tape[index]!
      if (!this.inner.some((node) => node.tag === tag)) continue
      if (winner !== -1 && tag !== winner) return first
      winner = tag
      first = index
    }
    return first
  }

  /**
   * Decides what is visited, from the inside out, once all `acts` are there. Says whether anything happens here or
   * inside.
   */
  settle(): boolean {
    for (const node of this.inner) {
      if (!node.settle()) continue
      this.#visited[node.tag] = node
      this.hasVisited = true
    }
    return this.hasVisited || this.acts.length > 0
  }

  /** What views and steps look at here. */
  get subject(): Subject {
    const subject = this.level === undefined ? undefined : this.scope[this.level]
    if (subject === undefined) throw new Error(`${this.name} is no record`)
    return subject
  }

  /** Puts the attributes that the record points at on its tape. */
  expand(): void {
    if (this.attributeIndices !== 0) this.references?.expand(this.message, this.attributeIndices)
  }

  /** Turns the attributes on the tape of a changed record into indices again. */
  fold(): void {
    if (this.attributeIndices !== 0 && this.message.changed) this.references?.fold(this.message, this.attributeIndices)
  }

  /** Lets, or no longer lets, anyone change this record and those inside. */
  seal(sealed: boolean): void {
    this.message.sealed = sealed
    if (this.part !== undefined) this.part.sealed = sealed
    for (const node of this.inner) node.seal(sealed)
  }
}

/** The nodes of a signal's requests, from the request inwards. */
export function plant(signal: Signal, arena: Arena): Node {
  const references = signal === 'profiles' ? new References(arena) : undefined
  return new Node(REQUESTS[signal].request, '', 0, arena, {}, references)
}

export function* all(node: Node): Generator<Node> {
  yield node
  for (const inner of node.inner) yield* all(inner)
}

interface Shape {
  readonly level?: RecordLevel
  readonly part?: MessageName
  /** Names of the fields that hold inner messages. */
  readonly inner?: readonly string[]
  readonly isContainer?: boolean
}

const ofResource = (inner: string): Shape => ({
  level: 'resource',
  part: 'Resource',
  inner: [inner],
  isContainer: true,
})
const ofScope = (inner: string): Shape => ({
  level: 'scope',
  part: 'InstrumentationScope',
  inner: [inner],
  isContainer: true,
})
const DATA: Shape = { inner: ['data_points'], isContainer: true }
const POINT: Shape = { level: 'dataPoint', inner: ['exemplars'] }

const SHAPES: Partial<Readonly<Record<MessageName, Shape>>> = {
  ExportTraceServiceRequest: { inner: ['resource_spans'] },
  ResourceSpans: ofResource('scope_spans'),
  ScopeSpans: ofScope('spans'),
  Span: { level: 'span', inner: ['events', 'links'] },
  SpanEvent: { level: 'spanEvent' },
  SpanLink: { level: 'spanLink' },
  ExportMetricsServiceRequest: { inner: ['resource_metrics'] },
  ResourceMetrics: ofResource('scope_metrics'),
  ScopeMetrics: ofScope('metrics'),
  Metric: {
    level: 'metric',
    inner: ['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'],
    isContainer: true,
  },
  Gauge: DATA,
  Sum: DATA,
  Histogram: DATA,
  ExponentialHistogram: DATA,
  Summary: DATA,
  NumberDataPoint: POINT,
  HistogramDataPoint: POINT,
  ExponentialHistogramDataPoint: POINT,
  SummaryDataPoint: POINT,
  Exemplar: { level: 'exemplar' },
  ExportLogsServiceRequest: { inner: ['resource_logs'] },
  ResourceLogs: ofResource('scope_logs'),
  ScopeLogs: ofScope('log_records'),
  LogRecord: { level: 'logRecord' },
  ExportProfilesServiceRequest: { inner: ['resource_profiles'] },
  ResourceProfiles: ofResource('scope_profiles'),
  ScopeProfiles: ofScope('profiles'),
  Profile: { level: 'profile', inner: ['samples'], isContainer: true },
  Sample: { level: 'sample' },
}

const ITEMS: ReadonlySet<MessageName> = new Set(Object.values(REQUESTS).flatMap(({ items }) => [...items]))
