import { Options, StringList, Type, unfitFor } from '../../plugin.ts'
import type { OptionFault, Static } from '../../plugin.ts'

const countedMetric = Options({
  description: Type.String({ default: '', description: "The metric's description." }),
  conditions: StringList({ default: [], description: 'What is counted, in OTTL; not built yet.' }),
  attributes: Type.Array(
    Options({
      key: Type.String({
        default: '',
        description: 'The attribute of the record, or else of its scope, or else of its resource.',
      }),
      default_value: Type.Optional(
        Type.Unknown({ description: 'Stands for it where it is absent; without one, such records are not counted.' }),
      ),
    }),
    { default: [], description: 'Attributes whose values are told apart: a data point for each combination.' },
  ),
})
export type CountedMetric = Static<typeof countedMetric>

const section = (of: string, name: string) =>
  Type.Unsafe<Readonly<Record<string, CountedMetric>>>({
    type: 'object',
    additionalProperties: countedMetric,
    default: {},
    description: `Metrics that count ${of}, by name; "${name}" where none is given.`,
  })

export const options = Options({
  spans: section('spans', 'trace.span.count'),
  spanevents: section('span events', 'trace.span.event.count'),
  metrics: section('metrics', 'metric.count'),
  datapoints: section('data points', 'metric.datapoint.count'),
  logs: section('log records', 'log.record.count'),
  profiles: section('profiles', 'profile.count'),
})
export type CountConfig = Static<typeof options>
export type Section = keyof CountConfig

const DEFAULTS: Readonly<Record<Section, readonly [name: string, description: string]>> = {
  spans: ['trace.span.count', 'The number of spans observed.'],
  spanevents: ['trace.span.event.count', 'The number of span events observed.'],
  metrics: ['metric.count', 'The number of metrics observed.'],
  datapoints: ['metric.datapoint.count', 'The number of data points observed.'],
  logs: ['log.record.count', 'The number of log records observed.'],
  profiles: ['profile.count', 'The number of profiles observed.'],
}

/** What is written in a section, or its default where that is nothing. */
export function metricsIn(config: CountConfig, name: Section): Readonly<Record<string, CountedMetric>> {
  if (Object.keys(config[name]).length > 0) return config[name]
  const [metric, description] = DEFAULTS[name]
  return { [metric]: { description, conditions: [], attributes: [] } }
}

export function* faults(config: CountConfig): Iterable<OptionFault> {
  for (const name of Object.keys(DEFAULTS) as Section[])
    for (const [metric, counted] of Object.entries(config[name])) yield* metricFaults(name, metric, counted)
}

function* metricFaults(name: Section, metric: string, counted: CountedMetric): Iterable<OptionFault> {
  const at = (...path: (string | number)[]) => [name, metric, ...path]
  if (metric === '') yield { path: at(), message: `${name}: metric name missing` }
  if (counted.conditions.length > 0)
    yield { path: at('conditions'), message: `"${name}.${metric}": conditions in OTTL are not built yet` }
  if (name === 'metrics' && counted.attributes.length > 0)
    yield { path: at('attributes'), message: `metrics attributes not supported: metric "${metric}"` }
  for (const [index, { key, default_value }] of counted.attributes.entries()) {
    const fault = (message: string) => ({
      path: at('attributes', index),
      message: `${name} attributes: metric "${metric}": ${message}`,
    })
    if (key === '') yield fault('attribute key missing')
    const isGiven = default_value !== undefined && default_value !== null
    if (isGiven && unfitFor(default_value) !== undefined)
      yield fault(`invalid default value specified for attribute ${key}`)
  }
}
