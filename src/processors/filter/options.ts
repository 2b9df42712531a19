import {
  attributeFaults,
  attributeList,
  Choice,
  matchType,
  matchTypeFaults,
  Options,
  recordMatch,
  recordMatchFaults,
  spanMatchFault,
  StringList,
  textFaults,
  Type,
} from '../../plugin.ts'
import type { OptionFault, RecordMatch, Static } from '../../plugin.ts'
import { SEVERITIES } from './severities.ts'

const statements = (where: string) =>
  Type.Optional(Type.Unknown({ description: `Conditions in OTTL on ${where}; not built yet.` }))

const INCLUDED = 'The only ones that stay.'
const EXCLUDED = 'Those that are dropped, though they are included.'

const metricMatch = (description: string) =>
  Options(
    {
      ...matchType,
      metric_names: StringList({ default: [], description: 'The name is one of these.' }),
      expressions: StringList({ default: [], description: 'Of `match_type: expr`, which is not built.' }),
      resource_attributes: attributeList('The resource has all of these attributes.'),
    },
    { description },
  )

const logMatch = (description: string) =>
  Options(
    {
      ...matchType,
      resource_attributes: attributeList('The resource has all of these attributes.'),
      record_attributes: attributeList('The record has all of these attributes.'),
      severity_texts: StringList({ default: [], description: 'The severity text is one of these.' }),
      severity_number: Type.Optional(
        Options(
          {
            min: Type.String({ default: '', description: 'The lowest that matches: `INFO`, `WARN2`, `9`.' }),
            match_undefined: Type.Boolean({ default: false, description: 'Whether records without a severity match.' }),
          },
          { description: 'How severe the record is.' },
        ),
      ),
      bodies: StringList({ default: [], description: 'The body is one of these.' }),
    },
    { description },
  )

export const options = Options({
  error_mode: Choice(['ignore', 'silent', 'propagate'], {
    default: 'ignore',
    description: 'Of conditions in OTTL; without effect on what is built.',
  }),
  spans: Type.Optional(
    Options(
      { include: Type.Optional(recordMatch(INCLUDED)), exclude: Type.Optional(recordMatch(EXCLUDED)) },
      { description: 'Which spans stay.' },
    ),
  ),
  metrics: Type.Optional(
    Options(
      {
        include: Type.Optional(metricMatch(INCLUDED)),
        exclude: Type.Optional(metricMatch(EXCLUDED)),
        regexp: matchType.regexp,
        resource: statements('resources'),
        metric: statements('metrics'),
        datapoint: statements('data points'),
      },
      { description: 'Which metrics stay.' },
    ),
  ),
  logs: Type.Optional(
    Options(
      {
        include: Type.Optional(logMatch(INCLUDED)),
        exclude: Type.Optional(logMatch(EXCLUDED)),
        resource: statements('resources'),
        log_record: statements('log records'),
      },
      { description: 'Which log records stay.' },
    ),
  ),
  traces: statements('spans, span events and resources'),
  profiles: statements('profiles'),
  trace_conditions: statements('traces'),
  metric_conditions: statements('metrics'),
  log_conditions: statements('logs'),
  profile_conditions: statements('profiles'),
})

export type FilterConfig = Static<typeof options>
export type MetricMatch = Static<ReturnType<typeof metricMatch>>
export type LogMatch = Static<ReturnType<typeof logMatch>>

const OTTL = [
  'traces',
  'profiles',
  'trace_conditions',
  'metric_conditions',
  'log_conditions',
  'profile_conditions',
] as const

export function* faults(config: FilterConfig): Iterable<OptionFault> {
  for (const at of OTTL) if (config[at] !== undefined) yield notBuilt([at])
  for (const at of ['resource', 'metric', 'datapoint'] as const)
    if (config.metrics?.[at] !== undefined) yield notBuilt(['metrics', at])
  for (const at of ['resource', 'log_record'] as const)
    if (config.logs?.[at] !== undefined) yield notBuilt(['logs', at])
  for (const side of ['include', 'exclude'] as const) {
    const { spans, metrics, logs } = config
    if (spans?.[side]) yield* spanFaults(spans[side], ['spans', side])
    if (metrics?.[side]) yield* metricFaults(metrics[side], ['metrics', side])
    if (logs?.[side]) yield* logFaults(logs[side], ['logs', side])
  }
}

const notBuilt = (path: OptionFault['path']): OptionFault => ({
  path,
  message: `"${path.join('.')}": conditions in OTTL are not built yet`,
  hint: 'say it with include and exclude under spans, metrics or logs',
})

function* spanFaults(match: RecordMatch, path: OptionFault['path']): Iterable<OptionFault> {
  const fault = spanMatchFault(match)
  if (fault !== undefined) yield { path, message: fault }
  yield* recordMatchFaults(match, path)
}

function* metricFaults(match: MetricMatch, path: OptionFault['path']): Iterable<OptionFault> {
  if (match.match_type === 'expr' || match.expressions.length > 0)
    return yield {
      path: [...path, match.match_type === 'expr' ? 'match_type' : 'expressions'],
      message: 'match_type "expr" and its expressions are not built; match names or resource attributes',
    }
  if (match.metric_names.length + match.resource_attributes.length > 0) yield* matchTypeFaults(match.match_type, path)
  yield* textFaults(match.match_type, match.metric_names, [...path, 'metric_names'])
  yield* attributeFaults(match.match_type, match.resource_attributes, [...path, 'resource_attributes'])
}

function* logFaults(match: LogMatch, path: OptionFault['path']): Iterable<OptionFault> {
  const { bodies, severity_texts, severity_number, resource_attributes, record_attributes } = match
  if (bodies.length + severity_texts.length + resource_attributes.length + record_attributes.length > 0)
    yield* matchTypeFaults(match.match_type, path)
  yield* textFaults(match.match_type, bodies, [...path, 'bodies'])
  yield* textFaults(match.match_type, severity_texts, [...path, 'severity_texts'])
  yield* attributeFaults(match.match_type, resource_attributes, [...path, 'resource_attributes'])
  yield* attributeFaults(match.match_type, record_attributes, [...path, 'record_attributes'])
  const min = severity_number?.min ?? ''
  if (min !== '' && !SEVERITIES.has(min.toUpperCase()))
    yield {
      path: [...path, 'severity_number', 'min'],
      message: `'${min}' is not a valid severity: not a valid severity`,
    }
}
