import type { Attributes, MetricsBuilder, PointOptions, TSchema } from '../../plugin.ts'
import { Block, Options, Type } from '../../plugin.ts'
import type { Count } from './count.ts'

/** A metric as the semantic conventions have it: an up-down counter is a sum that may fall. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'up_down_counter' | 'gauge'
  readonly unit: string
  /** Written as integers, or as doubles. */
  readonly value: 'int' | 'double'
  /** Whether it is on where nobody says. */
  readonly enabled: boolean
  readonly description: string
  /** The Collector's name of it, where that is another; a configuration may use it. */
  readonly formerly?: string
}

export type MetricTable = Readonly<Record<string, MetricDefinition>>
export type MetricSwitches = Readonly<Record<string, { readonly enabled: boolean }>>

/** The option `metrics` of a scraper: a switch for each metric, under the Collector's name for it too. `missing` are the Collector's metrics that are not there: they may be switched off. */
export function metricSwitches(table: MetricTable, missing: readonly string[] = []) {
  const properties: Record<string, TSchema> = {}
  for (const [name, { enabled, description, formerly }] of Object.entries(table)) {
    const about = { default: enabled, description: 'Whether the metric is reported.' }
    properties[name] = Block({ enabled: Type.Boolean(about) }, { description })
    if (formerly !== undefined) properties[formerly] = switchOf(`The Collector's name of ${name}.`)
  }
  for (const name of missing) properties[name] = switchOf('Not built yet: may only be switched off.')
  const about = { additionalProperties: false, default: {}, description: 'Switches metrics on and off by name.' }
  return Type.Unsafe<MetricSwitches>(Type.Object(properties, about))
}

const switchOf = (description: string) =>
  Type.Optional(Options({ enabled: Type.Boolean({ description: 'Whether the metric is reported.' }) }, { description }))

export function enabledMetrics(table: MetricTable, switches: MetricSwitches): ReadonlySet<string> {
  const isOn = ([name, metric]: [string, MetricDefinition]) =>
    (metric.formerly === undefined ? undefined : switches[metric.formerly]?.enabled) ??
    switches[name]?.enabled ??
    metric.enabled
  return new Set(
    Object.entries(table)
      .filter(isOn)
      .map(([name]) => name),
  )
}

/** Names that are switched on although there is no such metric yet. */
export function unknownMetrics(table: MetricTable, switches: MetricSwitches): readonly string[] {
  const known = new Set(Object.entries(table).flatMap(([name, metric]) => [name, metric.formerly]))
  return Object.keys(switches).filter((name) => !known.has(name) && switches[name]?.enabled)
}

const MAX_INT64 = 2n ** 63n - 1n

/** Takes what one scraper saw and writes the metrics that are on. */
export class Recorder {
  readonly faults: Error[] = []
  /** Points written until now. */
  points = 0
  readonly #table: MetricTable
  readonly #enabled: ReadonlySet<string>
  readonly #builder: MetricsBuilder
  /** When the host booted, since when its counters count. */
  readonly boot: bigint | undefined
  /** When the scraper had read. */
  readonly time: bigint

  constructor(
    table: MetricTable,
    enabled: ReadonlySet<string>,
    builder: MetricsBuilder,
    times: { readonly time: bigint; readonly boot: bigint | undefined },
  ) {
    this.#table = table
    this.#enabled = enabled
    this.#builder = builder
    this.time = times.time
    this.boot = times.boot
  }

  /** Sums count from `start`, which is the boot where nothing else is known. */
  add(name: string, value: Count, attributes: Attributes = {}, start = this.boot): void {
    if (!this.#enabled.has(name)) return
    const metric = this.#table[name]
    if (metric === undefined) throw new Error(`a scraper has no metric ${name}`)
    if (typeof value === 'number' ? !Number.isFinite(value) : value > MAX_INT64) {
      this.fault(`${name}: ${value} is no value that a metric can have`)
      return
    }
    const times: PointOptions = { time: this.time, start: metric.kind === 'gauge' ? undefined : start }
    this.points++
    this.#open(name, metric).point(metric.value === 'int' ? value : Number(value), attributes, times)
  }

  /** What was read; where that failed, undefined, and a fault is noted. */
  known<T>(attempted: T | Error): T | undefined {
    if (!(attempted instanceof Error)) return attempted
    this.faults.push(attempted)
    return undefined
  }

  /** Something could not be read although the rest could. */
  fault(message: string): void {
    this.faults.push(new Error(message))
  }

  #open(name: string, { kind, unit, value, description }: MetricDefinition) {
    const options = { description, int: value === 'int' }
    if (kind === 'gauge') return this.#builder.gauge(name, unit, options)
    return this.#builder.sum(name, unit, { ...options, monotonic: kind === 'counter', temporality: 'cumulative' })
  }
}
