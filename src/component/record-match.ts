import type { OptionFault } from './definition.ts'
import { Options, StringList, Type } from './options.ts'
import type { Static } from './options.ts'
import { patternFault } from './pattern.ts'
import { unfitFor, valueKind } from './attribute-value.ts'

/**
 * Which records a processor acts on, as the Collector's processors say it under `include` and `exclude`
 * (opentelemetry-collector-contrib, `internal/filter/filterconfig`). `match-condition.ts` makes conditions of it.
 */
export const attributeList = (description: string) =>
  Type.Array(
    Options({
      key: Type.String({ description: 'The attribute.' }),
      value: Type.Optional(Type.Unknown({ description: 'Its value; left out, any will do.' })),
    }),
    { default: [], description },
  )
export type WantedAttribute = Static<ReturnType<typeof attributeList>>[number]

export const matchType = {
  match_type: Type.String({ default: '', description: '`strict` or `regexp`: how the texts are meant.' }),
  regexp: Type.Optional(
    Options(
      {
        cacheenabled: Type.Boolean({ default: false, description: 'Without effect: there is no cache.' }),
        cachemaxnumentries: Type.Integer({ default: 0, description: 'Without effect: there is no cache.' }),
      },
      { description: 'Of the Collector; without effect.' },
    ),
  ),
}

const properties = {
  ...matchType,
  services: StringList({ default: [], description: 'Spans: the `service.name` of the resource is one of these.' }),
  span_names: StringList({ default: [], description: 'Spans: the name is one of these.' }),
  span_kinds: StringList({ default: [], description: 'Spans: the kind (`SPAN_KIND_SERVER`) is one of these.' }),
  log_bodies: StringList({ default: [], description: 'Log records: the body is one of these.' }),
  log_severity_texts: StringList({ default: [], description: 'Log records: the severity text is one of these.' }),
  log_severity_number: Type.Optional(
    Options(
      {
        min: Type.Integer({ default: 0, description: 'The lowest number that matches.' }),
        match_undefined: Type.Boolean({ default: false, description: 'Whether records without a severity match.' }),
      },
      { description: 'Log records: how severe they are.' },
    ),
  ),
  metric_names: StringList({ default: [], description: "Metrics: the metric's name is one of these." }),
  attributes: attributeList('Spans and log records: they have all of these attributes.'),
  resources: attributeList('The resource has all of these attributes.'),
  libraries: Type.Array(
    Options({
      name: Type.String({ description: 'The name of the scope.' }),
      version: Type.Optional(Type.String({ description: 'Its version; left out, any will do.' })),
    }),
    { default: [], description: 'The instrumentation scope is as all of these say.' },
  ),
}

export const recordMatch = (description: string) => Options(properties, { description })
export type RecordMatch = Static<ReturnType<typeof recordMatch>>

/** What is wrong whatever the signal; `path` leads to the properties. */
export function* recordMatchFaults(match: RecordMatch, path: OptionFault['path']): Iterable<OptionFault> {
  const texts = ['services', 'span_names', 'span_kinds', 'log_bodies', 'log_severity_texts', 'metric_names'] as const
  yield* matchTypeFaults(match.match_type, path)
  for (const at of texts) yield* textFaults(match.match_type, match[at], [...path, at])
  for (const at of ['attributes', 'resources'] as const)
    yield* attributeFaults(match.match_type, match[at], [...path, at])
  if (match.match_type !== 'regexp') return
  for (const [index, { name, version }] of match.libraries.entries()) {
    yield* patternFaults(name, [...path, 'libraries', index, 'name'])
    if (version !== undefined) yield* patternFaults(version, [...path, 'libraries', index, 'version'])
  }
}

export function* matchTypeFaults(type: string, path: OptionFault['path']): Iterable<OptionFault> {
  if (type === 'strict' || type === 'regexp') return
  yield {
    path: [...path, 'match_type'],
    message: `unrecognized match_type: '${type}', valid types are: [regexp strict]`,
  }
}

export function* textFaults(type: string, texts: readonly string[], path: OptionFault['path']): Iterable<OptionFault> {
  if (type === 'regexp') for (const [index, text] of texts.entries()) yield* patternFaults(text, [...path, index])
}

export function* attributeFaults(
  type: string,
  attributes: readonly WantedAttribute[],
  path: OptionFault['path'],
): Iterable<OptionFault> {
  for (const [index, { key, value }] of attributes.entries()) {
    const at = [...path, index, 'value']
    if (key === '') yield { path: [...path, index, 'key'], message: "can't have empty key in the list of attributes" }
    if (value === undefined || value === null) continue
    const unfit = unfitFor(value)
    if (unfit !== undefined) yield { path: at, message: unfit }
    else if (type === 'regexp' && typeof value !== 'string')
      yield { path: at, message: `match_type=regexp for "${key}" only supports Str, but found ${valueKind(value)}` }
    else if (type === 'regexp') yield* patternFaults(value as string, at)
  }
}

function* patternFaults(source: string, path: OptionFault['path']): Iterable<OptionFault> {
  const fault = patternFault(source)
  if (fault !== undefined) yield { path, message: fault }
}

const SPAN_KINDS = [
  'SPAN_KIND_CLIENT',
  'SPAN_KIND_CONSUMER',
  'SPAN_KIND_INTERNAL',
  'SPAN_KIND_PRODUCER',
  'SPAN_KIND_SERVER',
]

/** Why the properties do not fit spans, in the Collector's words. */
export function spanMatchFault(match: RecordMatch): string | undefined {
  if (match.log_bodies.length > 0) return 'log_bodies should not be specified for trace spans'
  if (match.log_severity_texts.length > 0) return 'log_severity_texts should not be specified for trace spans'
  if (match.log_severity_number) return 'log_severity_number should not be specified for trace spans'
  const { services, span_names, attributes, libraries, resources, span_kinds } = match
  if ([services, span_names, attributes, libraries, resources, span_kinds].every((list) => list.length === 0))
    return 'at least one of "attributes", "libraries",  or "resources" field must be specified'
  if (match.match_type === 'strict' && span_kinds.some((kind) => !SPAN_KINDS.includes(kind)))
    return `span_kinds string must match one of the standard span kinds when match_type=strict: [${SPAN_KINDS.join(' ')}]`
  return undefined
}

/** Why the properties do not fit log records, in the Collector's words. */
export function logMatchFault(match: RecordMatch): string | undefined {
  const { services, span_names, span_kinds, attributes, libraries, resources, log_bodies, log_severity_texts } = match
  if ([services, span_names, span_kinds].some((list) => list.length > 0))
    return 'services, span_names, and span_kinds are not valid for log records'
  const lists: (readonly unknown[])[] = [attributes, libraries, resources, log_bodies, log_severity_texts]
  if (lists.every((list) => list.length === 0) && match.log_severity_number === undefined)
    return 'at least one of "attributes", "libraries", "span_kinds", "resources", "log_bodies", "log_severity_texts" or "log_severity_number" field must be specified'
  return undefined
}

/** Why the properties do not fit metrics. */
export function metricMatchFault(match: RecordMatch): string | undefined {
  const { services, span_names, span_kinds, attributes, libraries, log_bodies, log_severity_texts } = match
  const others: (readonly unknown[])[] = [services, span_names, span_kinds, attributes, libraries, log_bodies]
  if ([...others, log_severity_texts].some((list) => list.length > 0) || match.log_severity_number)
    return 'only metric_names and resources are valid for metrics'
  if (match.metric_names.length === 0 && match.resources.length === 0)
    return 'at least one of "metric_names" or "resources" field must be specified'
  return undefined
}
