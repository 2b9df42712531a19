import type { Node } from '../steps/node.ts'
import { known } from '../wire/fields.ts'
import type { Message } from '../wire/message.ts'
import { Attributes } from './attributes.ts'
import { DataPoint } from './data-point.ts'
import { numberOf, setField, textOf, valueOf } from './fields.ts'
import { each } from './inner.ts'
import type { MetricDescription, MetricType } from './metric-description.ts'
import type { RecordView } from './record-view.ts'
import { Resource } from './resource.ts'
import { Scope } from './scope.ts'

const NAME = known('Metric', 'name')
const DESCRIPTION = known('Metric', 'description')
const UNIT = known('Metric', 'unit')
const TYPE = known('Metric', 'type')
const TEMPORALITY = known('Metric', 'aggregation_temporality')
const MONOTONIC = known('Metric', 'is_monotonic')

/** A metric with its points. Its attributes are what the protocol calls metadata. */
export class Metric implements MetricDescription, RecordView {
  readonly level = 'metric'
  readonly attributes: Attributes
  readonly resource: Resource
  readonly scope: Scope
  readonly #message: Message
  readonly #node: Node
  readonly #points = new Map<Node, DataPoint>()

  constructor(node: Node) {
    this.attributes = new Attributes(node.scope.metric!)
    this.resource = new Resource(node)
    this.scope = new Scope(node)
    this.#message = node.scope.metric!.message
    this.#node = node
  }

  get name(): string {
    return textOf(this.#message, NAME)
  }
  set name(value: string) {
    setField(this.#message, NAME, value)
  }

  get description(): string {
    return textOf(this.#message, DESCRIPTION)
  }
  set description(value: string) {
    setField(this.#message, DESCRIPTION, value)
  }

  get unit(): string {
    return textOf(this.#message, UNIT)
  }
  set unit(value: string) {
    setField(this.#message, UNIT, value)
  }

  /** Undefined where the metric has no data. */
  get type(): MetricType | undefined {
    const type = textOf(this.#message, TYPE)
    return type === '' ? undefined : (type as MetricType)
  }

  /** 0 unspecified, 1 delta, 2 cumulative. Gauges and summaries have none. */
  get aggregationTemporality(): number {
    return numberOf(this.#message, TEMPORALITY)
  }
  set aggregationTemporality(value: number) {
    setField(this.#message, TEMPORALITY, value)
  }

  get isMonotonic(): boolean {
    return valueOf(this.#message, MONOTONIC) === true
  }
  set isMonotonic(value: boolean) {
    setField(this.#message, MONOTONIC, value)
  }

  /** To look at; steps on `dataPoint` change them. The same view again and again. */
  get points(): Iterable<DataPoint> {
    return this.#eachPoint()
  }

  *#eachPoint(): Generator<DataPoint> {
    const { type } = this
    // Data is put into `inner` under the names of its fields.
    const data = this.#node.inner.find((node) => node.field === type)
    if (data === undefined) return
    const [points] = data.inner
    let view = this.#points.get(points!)
    if (view === undefined) this.#points.set(points!, (view = new DataPoint(points!, this)))
    for (const node of each(this.#node, data, data)) yield* each(node, points!, view)
  }
}
