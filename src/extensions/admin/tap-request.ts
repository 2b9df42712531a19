import { DROP, TAP_SIDES } from '../../plugin.ts'
import type { Condition, Pattern, RecordLevel, Signal, Step, TapSide } from '../../plugin.ts'

const DEFAULT_LIMIT = 10
const MOST_LIMIT = 1_000
const MOST_FILTERS = 16
/** Characters of one filter. */
const LONGEST_FILTER = 512

/** What somebody wants to see. */
export interface TapRequest {
  readonly target: string
  readonly side: TapSide | undefined
  /** Records a second. */
  readonly limit: number
  /** Attributes of the record, its scope or resource, by their text: all of them must be as said. */
  readonly attributes: readonly (readonly [key: string, value: string])[]
  /** Of log records, at least this. */
  readonly severity: number | undefined
  /** A part of the name of a span or metric, or of the text of a log record. */
  readonly name: string | undefined
}

/** OpenTelemetry's ranges of severity numbers, each by its first. */
export const SEVERITIES: Readonly<Record<string, number>> = {
  trace: 1,
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
  fatal: 21,
}

/** Throws a sentence where the query is wrong. */
export function tapRequest(query: URLSearchParams): TapRequest {
  const known = ['target', 'side', 'limit', 'filter', 'severity', 'name']
  for (const key of query.keys()) if (!known.includes(key)) throw new Error(`"${key}" is none of ${known.join(', ')}`)
  const target = query.get('target') ?? ''
  if (target === '') throw new Error('say which pipeline or component: /tap?target=traces')
  const side = query.get('side') ?? undefined
  if (side !== undefined && !isSide(side)) throw new Error(`side is ${TAP_SIDES.join(' or ')}`)
  const limit = Number(query.get('limit') ?? DEFAULT_LIMIT)
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= MOST_LIMIT))
    throw new Error(`limit is a number of records a second, 1 to ${MOST_LIMIT}`)
  const severity = query.get('severity') ?? undefined
  if (severity !== undefined && !Object.hasOwn(SEVERITIES, severity))
    throw new Error(`severity is one of ${Object.keys(SEVERITIES).join(', ')}`)
  const filters = query.getAll('filter')
  if (filters.length > MOST_FILTERS) throw new Error(`there may be ${MOST_FILTERS} filters`)
  return {
    target,
    side,
    limit,
    attributes: filters.map(attribute),
    severity: severity === undefined ? undefined : SEVERITIES[severity],
    name: query.get('name') ?? undefined,
  }
}

const isSide = (written: string): written is TapSide => (TAP_SIDES as readonly string[]).includes(written)

function attribute(written: string): readonly [string, string] {
  const at = written.indexOf('=')
  if (at < 1 || written.length > LONGEST_FILTER)
    throw new Error(`"${written.slice(0, LONGEST_FILTER)}" is no filter: write key=value`)
  return [written.slice(0, at), written.slice(at + 1)]
}

/** Where the attributes of a signal's records are, and what they are called by. */
const LEVELS: Readonly<Record<Signal, RecordLevel>> = {
  traces: 'span',
  metrics: 'dataPoint',
  logs: 'logRecord',
  profiles: 'profile',
}

/** Steps that drop what is not wanted, and whatever comes when `take` says that it is enough. */
export function siftingSteps(signal: Signal, { attributes, severity, name }: TapRequest, take: () => boolean): Step[] {
  const on = LEVELS[signal]
  const conditions: Condition[] = attributes.map(([key, value]) => hasAttribute(signal, key, value))
  if (severity !== undefined)
    conditions.push(
      signal === 'logs'
        ? { kind: 'compare', path: { field: 'severity_number' }, operator: '>=', value: severity }
        : NEVER,
    )
  if (name !== undefined) conditions.push(named(signal, containing(name)))
  const wanted: Condition = { kind: 'and', of: conditions }
  return [
    ...(conditions.length > 0 ? [{ on, when: { kind: 'not', of: wanted }, act: { kind: 'drop' } } as const] : []),
    { on, act: () => (take() ? undefined : DROP) },
  ]
}

const NEVER: Condition = { kind: 'literal', value: false }

/** A profile's own attributes stand in its dictionary, where steps do not look. */
function hasAttribute(signal: Signal, attribute: string, value: string): Condition {
  const levels = [...(signal === 'profiles' ? [] : [LEVELS[signal]]), 'scope', 'resource'] as const
  return {
    kind: 'or',
    of: levels.map((on) => ({ kind: 'matches', path: { on, attribute }, pattern: exactly(value), text: 'scalars' })),
  }
}

function named(signal: Signal, pattern: Pattern): Condition {
  switch (signal) {
    case 'traces':
      return { kind: 'matches', path: { field: 'name' }, pattern }
    case 'metrics':
      return { kind: 'matches', path: { on: 'metric', field: 'name' }, pattern }
    case 'logs':
      return { kind: 'matches', path: { field: 'body' }, pattern, text: 'all' }
    case 'profiles':
      return { kind: 'matches', path: { field: 'sample_type.type' }, pattern }
  }
}

const exactly = (wanted: string): Pattern => ({
  test: (text) => text === wanted,
  exec: (text) => (text === wanted ? {} : null),
})
const containing = (part: string): Pattern => ({
  test: (text) => text.includes(part),
  exec: (text) => (text.includes(part) ? {} : null),
})
