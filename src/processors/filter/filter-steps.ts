import { attributesAre, included, logCondition, metricCondition, spanCondition } from '../../plugin.ts'
import type { Condition, RecordLevel, RecordMatch, Signal, Step } from '../../plugin.ts'
import type { FilterConfig, LogMatch, MetricMatch } from './options.ts'
import { SEVERITIES } from './severities.ts'

/** Steps that drop what is not included or is excluded; none where the configuration says nothing about the signal. */
export function filterSteps(config: FilterConfig, signal: Signal): readonly Step[] {
  switch (signal) {
    case 'traces':
      return dropUnless(
        'span',
        condition(config.spans?.include, spanCondition),
        condition(config.spans?.exclude, spanCondition),
      )
    case 'metrics':
      return metricSteps(config.metrics?.include, config.metrics?.exclude)
    case 'logs':
      return dropUnless('logRecord', condition(config.logs?.include, logs), condition(config.logs?.exclude, logs))
    case 'profiles':
      throw new Error('profiles cannot be filtered')
  }
}

/** Resources and names are looked at one after the other: what either of them excludes is dropped, as in the Collector. */
function metricSteps(include: MetricMatch | undefined, exclude: MetricMatch | undefined): Step[] {
  return [
    ...dropUnless('resource', condition(include, resources), condition(exclude, resources)),
    ...dropUnless('metric', condition(include, names), condition(exclude, names)),
  ]
}

function dropUnless(on: RecordLevel, include: Condition | undefined, exclude: Condition | undefined): Step[] {
  const stays = included(include, exclude)
  return stays === undefined ? [] : [{ on, when: { kind: 'not', of: stays }, act: { kind: 'drop' } }]
}

const condition = <M>(match: M | undefined, make: (match: M) => Condition | undefined): Condition | undefined =>
  match === undefined ? undefined : make(match)

function resources(match: MetricMatch): Condition | undefined {
  if (match.resource_attributes.length === 0) return undefined
  return attributesAre(undefined, match.match_type, match.resource_attributes)
}

function names(match: MetricMatch): Condition | undefined {
  return match.metric_names.length === 0 ? undefined : metricCondition({ ...NOTHING, ...match, resources: [] })
}

/** Properties that say nothing are as if they were not there. */
function logs(match: LogMatch): Condition | undefined {
  const { bodies, severity_texts, severity_number, resource_attributes, record_attributes } = match
  if (
    bodies.length + severity_texts.length + resource_attributes.length + record_attributes.length === 0 &&
    !severity_number
  )
    return undefined
  return logCondition({
    ...NOTHING,
    match_type: match.match_type,
    log_bodies: bodies,
    log_severity_texts: severity_texts,
    resources: resource_attributes,
    attributes: record_attributes,
    ...(severity_number && {
      log_severity_number: {
        min: SEVERITIES.get(severity_number.min.toUpperCase()) ?? 0,
        match_undefined: severity_number.match_undefined,
      },
    }),
  })
}

const NOTHING: RecordMatch = {
  match_type: '',
  services: [],
  span_names: [],
  span_kinds: [],
  log_bodies: [],
  log_severity_texts: [],
  metric_names: [],
  attributes: [],
  resources: [],
  libraries: [],
}
