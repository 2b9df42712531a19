import type { Labels } from '../component/meter.ts'
import type { Measured, MeasuredPoint, MetricKind } from '../graph/metrics.ts'
import { isLegacy, isLegacyLabel, labelName, metricName } from './prometheus-names.ts'
import type { Naming } from './prometheus-names.ts'

export interface TextOptions extends Naming {
  /** Labels that every series carries: of the scope, of the resource. */
  readonly constant: Labels
}

/** Go's words for kinds: an up-down counter may fall, and so is a gauge. */
const TYPES: Readonly<Record<MetricKind, string>> = {
  counter: 'counter',
  up_down_counter: 'gauge',
  gauge: 'gauge',
  histogram: 'histogram',
}

/**
 * Measurements in the Prometheus text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/), families by name, series by labels.
 */
export function prometheusText(measured: readonly Measured[], resource: Labels, options: TextOptions): string {
  const families = measured.map((each) => ({
    name: metricName(each, options),
    type: TYPES[each.kind],
    description: each.options.description,
    lines: seriesOf(each, options),
  }))
  families.push({
    name: 'target_info',
    type: 'gauge',
    description: 'Target metadata',
    lines: [(name) => line(name, pairs(resource, options), 1)],
  })
  return families
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .map(({ name, type, description, lines }) => {
      const written = isLegacy(name) ? name : quoted(name)
      return `# HELP ${written} ${help(description)}\n# TYPE ${written} ${type}\n${lines.map((write) => write(name)).join('')}`
    })
    .join('')
}

type Write = (name: string) => string
type Pair = readonly [name: string, value: string]

function seriesOf({ kind, options: { boundaries = [] }, points }: Measured, options: TextOptions): Write[] {
  return points
    .map((point) => {
      const labels = pairs({ ...point.labels, ...options.constant }, options)
      return { point, labels, order: String(labels) }
    })
    .sort((left, right) => (left.order < right.order ? -1 : 1))
    .map(({ point, labels }) =>
      kind === 'histogram'
        ? (name: string) => histogram(name, labels, point, boundaries)
        : (name: string) => line(name, labels, point.value),
    )
}

/** Prometheus counts each bucket with all below it. */
function histogram(
  name: string,
  labels: readonly Pair[],
  { value, count = 0, buckets = [] }: MeasuredPoint,
  boundaries: readonly number[],
): string {
  let below = 0
  const lines = boundaries.map((boundary, index) => {
    below += buckets[index] ?? 0
    return line(`${name}_bucket`, [...labels, ['le', String(boundary)]], below)
  })
  return [
    ...lines,
    line(`${name}_bucket`, [...labels, ['le', '+Inf']], count),
    line(`${name}_sum`, labels, value),
    line(`${name}_count`, labels, count),
  ].join('')
}

/** By name; values of names that have become the same are one. Without a name there is no label. */
function pairs(labels: Labels, naming: Naming): Pair[] {
  const found = new Map<string, string[]>()
  for (const [key, value] of Object.entries(labels)) {
    if (key === '') continue
    const name = labelName(key, naming)
    found.set(name, [...(found.get(name) ?? []), value])
  }
  return [...found]
    .map(([name, values]): Pair => [name, values.sort().join(';')])
    .sort(([left], [right]) => (left < right ? -1 : 1))
}

function line(name: string, labels: readonly Pair[], value: number): string {
  const parts = labels.map(([key, text]) => `${isLegacyLabel(key) ? key : quoted(key)}=${quoted(text)}`)
  if (!isLegacy(name)) return `{${[quoted(name), ...parts].join(',')}} ${value}\n`
  return `${name}${parts.length > 0 ? `{${parts.join(',')}}` : ''} ${value}\n`
}

const quoted = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`

const help = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
