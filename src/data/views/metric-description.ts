import type { Attributes } from './attributes.ts'
import type { Resource } from './resource.ts'
import type { Scope } from './scope.ts'

export type MetricType = 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary'

/** A metric as its data points see it. */
export interface MetricDescription {
  /** What the protocol calls metadata. */
  readonly attributes: Attributes
  readonly resource: Resource
  readonly scope: Scope
  name: string
  description: string
  unit: string
  /** Undefined where the metric has no data. */
  readonly type: MetricType | undefined
  /** 0 unspecified, 1 delta, 2 cumulative. Gauges and summaries have none. */
  aggregationTemporality: number
  isMonotonic: boolean
}
