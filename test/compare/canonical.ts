/**
 * One form of what may stand in any order: resources, scopes, items, points and attributes are sorted. What has the same resource and
 * scope stands together, so that it does not matter how it was cut into requests.
 */
import { stable } from './json.ts'
import type { Json, JsonObject } from './json.ts'
import type { Signal } from './oracle.ts'

interface Level {
  readonly list: string
  readonly inner?: Level
}

const LEVELS: Readonly<Record<Exclude<Signal, 'profiles'>, Level>> = {
  traces: { list: 'resourceSpans', inner: { list: 'scopeSpans', inner: { list: 'spans' } } },
  metrics: { list: 'resourceMetrics', inner: { list: 'scopeMetrics', inner: { list: 'metrics' } } },
  logs: { list: 'resourceLogs', inner: { list: 'scopeLogs', inner: { list: 'logRecords' } } },
}

/** Several requests of a signal as one, in canonical order. Profiles stay requests of their own: each has its dictionary. */
export function canonical(signal: Signal, requests: readonly JsonObject[]): Json {
  if (signal === 'profiles') return sorted(requests.map((request) => unordered(request) as JsonObject))
  const level = LEVELS[signal]
  return together(
    requests.flatMap((request) => (request[level.list] ?? []) as JsonObject[]),
    level.inner as Level,
  )
}

/** Joins what differs in nothing but the list of the next level. */
function together(objects: readonly JsonObject[], { list, inner }: Level): Json {
  const groups = Map.groupBy(objects, (object) => stable(unordered({ ...object, [list]: [] })))
  return [...groups].sort(byKey).map(([, group]) => {
    const items = group.flatMap((object) => (object[list] ?? []) as JsonObject[])
    const { [list]: _, ...rest } = group[0] as JsonObject
    return { ...(unordered(rest) as JsonObject), [list]: inner ? together(items, inner) : sorted(items.map(unordered)) }
  })
}

/** Lists whose order means nothing. */
const SETS = new Set(['attributes', 'filteredAttributes', 'dataPoints'])

const MILLION = 1_000_000n
const A_MINUTE_MS = 60_000

/** Whether it is a time that the program itself made: no input has one of today. */
const isNow = (name: string, value: Json): boolean =>
  name.endsWith('UnixNano') &&
  typeof value === 'string' &&
  Math.abs(Number(BigInt(value) / MILLION) - Date.now()) < A_MINUTE_MS

/** Messages that say nothing when nothing is in them. */
const SAME_AS_ABSENT = new Set([
  'resource',
  'scope',
  'status',
  'body',
  'value',
  'positive',
  'negative',
  'periodType',
  'sampleType',
])

const isEmpty = (value: Json): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0

function unordered(value: Json): Json {
  if (Array.isArray(value)) return value.map(unordered)
  if (typeof value !== 'object' || value === null) return value
  const object: JsonObject = {}
  for (const [name, inner] of Object.entries(value)) {
    const known = unordered(inner)
    if (isNow(name, known)) object[name] = 'now'
    else if (SAME_AS_ABSENT.has(name) && isEmpty(known)) continue
    else object[name] = SETS.has(name) && Array.isArray(known) ? (byName(known) ?? sorted(known)) : known
  }
  return object
}

/** Attributes by their keys, so that a difference is at a name; unless a key is there twice, or anything but key and value. */
function byName(list: readonly Json[]): JsonObject | undefined {
  const attributes = list as { key?: string; value?: Json }[]
  if (
    attributes.some((each) => each.key === undefined || Object.keys(each).some((name) => !/^(key|value)$/.test(name)))
  )
    return undefined
  if (new Set(attributes.map(({ key }) => key)).size < attributes.length) return undefined
  return Object.fromEntries(attributes.map(({ key, value }) => [key as string, value ?? {}]))
}

const sorted = (list: readonly Json[]): Json[] =>
  list
    .map((each) => [stable(each), each] as const)
    .sort(byKey)
    .map(([, each]) => each)

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0)
