import type { Condition, Path, Pattern } from '../data/steps/step.ts'
import { attributeValue } from './attribute-value.ts'
import { pattern } from './pattern.ts'
import type { RecordMatch, WantedAttribute } from './record-match.ts'

/**
 * Conditions for what `record-match.ts` says, which hold for exactly the records that the Collector's filters match. Of
 * the properties all must hold, of the texts in one of them any.
 */
export function spanCondition(match: RecordMatch): Condition {
  const service: Path = { on: 'resource', attribute: 'service.name' }
  const type = match.match_type
  return all([
    ...given(match.services, (texts) => valueIs(service, type, texts, NO_SERVICE)),
    ...given(match.span_names, (texts) => textIs({ field: 'name' }, type, texts)),
    ...given(match.span_kinds, (texts) => kindIs(type, texts)),
    ...scopesAre(match),
    ...given(match.resources, (wanted) => attributesAre('resource', type, wanted)),
    ...given(match.attributes, (wanted) => attributesAre(undefined, type, wanted)),
  ])
}

export function logCondition(match: RecordMatch): Condition {
  const type = match.match_type
  return all([
    ...given(match.log_bodies, (texts) => valueIs({ field: 'body' }, type, texts, '')),
    ...given(match.log_severity_texts, (texts) => textIs({ field: 'severity_text' }, type, texts)),
    ...(match.log_severity_number ? [severityIs(match.log_severity_number)] : []),
    ...scopesAre(match),
    ...given(match.resources, (wanted) => attributesAre('resource', type, wanted)),
    ...given(match.attributes, (wanted) => attributesAre(undefined, type, wanted)),
  ])
}

/** For steps on a metric or on what stands in one. */
export function metricCondition(match: RecordMatch): Condition {
  return all([
    ...given(match.metric_names, (texts) => textIs({ on: 'metric', field: 'name' }, match.match_type, texts)),
    ...given(match.resources, (wanted) => attributesAre('resource', match.match_type, wanted)),
  ])
}

/** Where neither or both are given, `exclude` is looked at after `include`. Undefined where every record is meant. */
export function included(include: Condition | undefined, exclude: Condition | undefined): Condition | undefined {
  const conditions = [...(include ? [include] : []), ...(exclude ? [not(exclude)] : [])]
  return conditions.length === 0 ? undefined : all(conditions)
}

export const not = (of: Condition): Condition => ({ kind: 'not', of })
export const all = (of: readonly Condition[]): Condition =>
  of.length === 1 ? (of[0] as Condition) : { kind: 'and', of }
export const any = (of: readonly Condition[]): Condition =>
  of.length === 1 ? (of[0] as Condition) : { kind: 'or', of }

const given = <T>(list: readonly T[], make: (list: readonly T[]) => Condition): Condition[] =>
  list.length === 0 ? [] : [make(list)]

/** What the Collector takes for the name of a service that has none. */
const NO_SERVICE = '<nil-service-name>'

/** A field that holds text: the name of a span. Absent, it is empty. */
export function textIs(path: Path, type: string, texts: readonly string[]): Condition {
  return any(
    texts
      .flatMap((text) => (type === 'regexp' ? [matches(path, text)] : [equals(path, text)]))
      .concat(whereAbsent(path, type, texts, '')),
  )
}

/** A place that may hold any value, which is meant by its text. `absent` is the text of nothing there. */
function valueIs(path: Path, type: string, texts: readonly string[], absent: string): Condition {
  const conditions = texts.flatMap((text): Condition[] => {
    if (type === 'regexp') return [{ kind: 'matches', path, pattern: pattern(text), text: 'all' }]
    return MAY_BE_OTHER_VALUE.test(text)
      ? [{ kind: 'matches', path, pattern: exactly(text), text: 'all' }]
      : [equals(path, text)]
  })
  return any(conditions.concat(whereAbsent(path, type, texts, absent)))
}

/** Texts of values that are no strings look like this; only for those must such values be put into text. Bytes are not looked for. */
const MAY_BE_OTHER_VALUE = /^(?:-?\d.*|-?Inf|NaN|true|false|\[.*|\{.*|)$/su

function exactly(wanted: string): Pattern {
  return { test: (text) => text === wanted, exec: (text) => (text === wanted ? {} : null) }
}

function whereAbsent(path: Path, type: string, texts: readonly string[], absent: string): Condition[] {
  return isAnyOf(absent, type, texts) ? [not({ kind: 'exists', path })] : []
}

const isAnyOf = (text: string, type: string, texts: readonly string[]): boolean =>
  texts.some((wanted) => (type === 'regexp' ? pattern(wanted).test(text) : wanted === text))

const equals = (path: Path, value: string | number): Condition => ({ kind: 'compare', path, operator: '==', value })
const matches = (path: Path, source: string): Condition => ({ kind: 'matches', path, pattern: pattern(source) })

/** By number; a number beyond these has no name. */
const KIND_NAMES = [
  'SPAN_KIND_UNSPECIFIED',
  'SPAN_KIND_INTERNAL',
  'SPAN_KIND_SERVER',
  'SPAN_KIND_CLIENT',
  'SPAN_KIND_PRODUCER',
  'SPAN_KIND_CONSUMER',
]

function kindIs(type: string, texts: readonly string[]): Condition {
  const kind: Path = { field: 'kind' }
  const wanted = KIND_NAMES.flatMap((name, number) => (isAnyOf(name, type, texts) ? [number] : []))
  const conditions = wanted.map((number) => equals(kind, number))
  if (wanted.includes(0)) conditions.push(not({ kind: 'exists', path: kind }))
  if (isAnyOf('', type, texts))
    conditions.push({ kind: 'compare', path: kind, operator: '>=', value: KIND_NAMES.length })
  return any(conditions)
}

export function severityIs(wanted: { readonly min: number; readonly match_undefined: boolean }): Condition {
  const path: Path = { field: 'severity_number' }
  const isUndefined = any([not({ kind: 'exists', path }), equals(path, 0)])
  if (wanted.match_undefined) return any([isUndefined, { kind: 'compare', path, operator: '>=', value: wanted.min }])
  return all([not(isUndefined), { kind: 'compare', path, operator: '>=', value: wanted.min }])
}

/** All of them, though a record has but one scope: so does the Collector. */
function scopesAre(match: RecordMatch): Condition[] {
  return match.libraries.flatMap(({ name, version }) => [
    textIs({ on: 'scope', field: 'name' }, match.match_type, [name]),
    ...(version === undefined ? [] : [textIs({ on: 'scope', field: 'version' }, match.match_type, [version])]),
  ])
}

/** `on`: the level that has them; left out, the step's own. */
export function attributesAre(on: 'resource' | undefined, type: string, wanted: readonly WantedAttribute[]): Condition {
  return all(
    wanted.map(({ key, value }): Condition => {
      const path: Path = on === undefined ? { attribute: key } : { on, attribute: key }
      if (value === undefined || value === null) return { kind: 'exists', path }
      if (type === 'regexp') return { kind: 'matches', path, pattern: pattern(value as string), text: 'scalars' }
      return { kind: 'compare', path, operator: '==', value: attributeValue(value), typed: true }
    }),
  )
}
