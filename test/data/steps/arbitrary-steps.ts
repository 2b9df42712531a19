import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { enclosing } from '../../../src/data/steps/levels.ts'
import {
  DROP,
  double,
  type Condition,
  type Edit,
  type Hook,
  type Path,
  type RecordLevel,
  type Step,
  type Value,
} from '../../../src/data/steps/step.ts'
import type { RecordView } from '../../../src/data/views/record-view.ts'
import type { OracleSignal } from '../oracle.ts'

export const LEVELS: Readonly<Record<OracleSignal, readonly RecordLevel[]>> = {
  traces: ['resource', 'scope', 'span', 'spanEvent', 'spanLink'],
  metrics: ['resource', 'scope', 'metric', 'dataPoint', 'exemplar'],
  logs: ['resource', 'scope', 'logRecord'],
}

const FIELDS: Readonly<Record<RecordLevel, readonly string[]>> = {
  resource: ['dropped_attributes_count'],
  scope: ['name', 'version'],
  span: ['name', 'kind', 'trace_id', 'start_time_unix_nano', 'status.code', 'status.message', 'dropped_links_count'],
  spanEvent: ['name', 'time_unix_nano'],
  spanLink: ['trace_id', 'trace_state'],
  metric: ['name', 'unit', 'type'],
  dataPoint: ['value', 'time_unix_nano', 'flags', 'count', 'sum', 'min', 'scale', 'positive.offset', 'zero_threshold'],
  exemplar: ['value', 'span_id'],
  logRecord: ['severity_number', 'severity_text', 'body', 'trace_id'],
  profile: [],
  sample: [],
}

/** Fields that hold texts, or anything. */
const SETTABLE: Readonly<Record<RecordLevel, readonly string[]>> = {
  resource: [],
  scope: ['name', 'version'],
  span: ['name'],
  spanEvent: ['name'],
  spanLink: [],
  metric: ['name', 'unit', 'description'],
  dataPoint: [],
  exemplar: [],
  logRecord: ['body'],
  profile: [],
  sample: [],
}

const key = fc.constantFrom('host.name', 'k', 'a', 'constructor')
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom<Value>('', 'x', 'ü', 0, 1, -1, 1.5, double(1), true, false, 2n ** 60n, 300, 'y'.repeat(200)),
  fc.constantFrom<Value>([], ['x', 1], new Map<string, Value>([['a', 1.5]]), new Uint8Array([1, 2])),
  fc.integer(),
  fc.string(),
)
const comparison = fc.constantFrom('==', '!=', '<', '<=', '>', '>=' as const)

function onOf(level: RecordLevel): fc.Arbitrary<{ on?: RecordLevel }> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    fc.constantFrom(...enclosing(level), level).map((on) => ({ on })),
  )
}

const attributePath = (level: RecordLevel): fc.Arbitrary<Path> =>
  fc.tuple(onOf(level), key).map(([on, attribute]) => ({ ...on, attribute }))

function anyPath(level: RecordLevel): fc.Arbitrary<Path> {
  const field = onOf(level).chain((on) =>
    fc.constantFrom(...FIELDS[on.on ?? level]).map((name) => ({ ...on, field: name })),
  )
  return fc.oneof({ weight: 2, arbitrary: attributePath(level) }, field)
}

export function condition(level: RecordLevel): fc.Arbitrary<Condition> {
  const leaf: fc.Arbitrary<Condition> = fc.oneof(
    fc.boolean().map((holds): Condition => ({ kind: 'literal', value: holds })),
    anyPath(level).map((path): Condition => ({ kind: 'exists', path })),
    fc.tuple(anyPath(level), comparison, value, fc.boolean()).map(([path, operator, literal, typed]): Condition => ({
      kind: 'compare',
      path,
      operator: operator as '==',
      value: literal,
      ...(typed ? { typed } : {}),
    })),
    fc
      .tuple(anyPath(level), fc.constantFrom(/^x/, /[a-f]/, /^$/))
      .map(([path, pattern]): Condition => ({ kind: 'matches', path, pattern })),
  )
  const both = fc
    .tuple(fc.constantFrom('and', 'or'), fc.array(leaf, { maxLength: 3 }))
    .map(([kind, of]): Condition => ({ kind: kind as 'and', of }))
  return fc.oneof(
    { weight: 3, arbitrary: leaf },
    both,
    leaf.map((of): Condition => ({ kind: 'not', of })),
  )
}

function edit(level: RecordLevel): fc.Arbitrary<Edit> {
  const kind = fc.constantFrom('insert', 'update', 'upsert')
  const put = fc
    .tuple(kind, attributePath(level), value)
    .map(([kind, path, literal]): Edit => ({ kind: kind as 'insert', path, source: { value: literal } }))
  const copy = fc
    .tuple(kind, attributePath(level), anyPath(level), fc.option(value, { nil: undefined }))
    .map(([kind, path, from, otherwise]): Edit => ({
      kind: kind as 'insert',
      path,
      source: { path: from, ...(otherwise === undefined ? {} : { otherwise }) },
    }))
  const rest = fc.oneof(
    attributePath(level).map((path): Edit => ({ kind: 'delete', path })),
    fc.constantFrom(/^host/, /o/).map((pattern): Edit => ({ kind: 'delete_matching', pattern })),
    fc.tuple(attributePath(level), key).map(([path, to]): Edit => ({ kind: 'rename', path, to })),
    attributePath(level).map((path): Edit => ({ kind: 'hash', path, algorithm: 'sha256' })),
    fc.constant<Edit>({ kind: 'drop' }),
  )
  const settable = SETTABLE[level]
  const field = fc
    .tuple(kind, fc.constantFrom(...settable, 'name'), fc.constantFrom('x', 'name', 'y'.repeat(200)))
    .map(([kind, name, text]): Edit => ({ kind: kind as 'insert', path: { field: name }, source: { value: text } }))
  const choices = [
    { weight: 3, arbitrary: put },
    { weight: 2, arbitrary: copy },
    { weight: 3, arbitrary: rest },
  ]
  return settable.length === 0
    ? fc.oneof(...choices)
    : fc.oneof(...choices, {
        weight: 2,
        arbitrary: field.filter((each) => settable.includes((each as { path: { field: string } }).path.field)),
      })
}

export function steps(signal: OracleSignal, most: number = 5): fc.Arbitrary<Step[]> {
  return fc.array(fc.constantFrom(...LEVELS[signal]).chain(editStep), { minLength: 1, maxLength: most })
}

/** Steps among which there are hooks. */
export function stepsAndHooks(signal: OracleSignal, most: number): fc.Arbitrary<Step[]> {
  const step = fc
    .constantFrom(...LEVELS[signal])
    .chain((on) => fc.oneof({ weight: 3, arbitrary: editStep(on) }, hookStep(on)))
  return fc.array(step, { minLength: 1, maxLength: most })
}

function editStep(on: RecordLevel): fc.Arbitrary<Step> {
  const act = fc.oneof(edit(on), fc.array(edit(on), { minLength: 1, maxLength: 3 }))
  return fc.tuple(optional(condition(on)), act).map(([when, act]): Step => ({ on, act, ...(when && { when }) }))
}

/** A hook that writes down all that it sees, or drops what has an attribute. */
function hookStep(on: RecordLevel): fc.Arbitrary<Step> {
  const act = fc.constantFrom<Hook>(
    (record) => record.attributes.set('seen', createHash('sha1').update(seen(record)).digest('hex')),
    (record) => (record.attributes.has('a') ? DROP : undefined),
    (record) => void record.attributes.delete('k'),
  )
  return fc.tuple(optional(condition(on)), act).map(([when, act]): Step => ({ on, act, ...(when && { when }) }))
}

/** The attributes of a record, of those that enclose it, and of those inside. */
function seen(record: RecordView): string {
  const view = record as unknown as Record<string, RecordView | Iterable<RecordView> | undefined>
  const around = ['resource', 'scope', 'metric'].map((name) => view[name] as RecordView | undefined)
  const inside = ['events', 'links', 'points', 'exemplars'].flatMap((name) =>
    Array.from((view[name] ?? []) as Iterable<RecordView>, ({ attributes }) => inspect(attributes.toObject())),
  )
  return [record, ...around].map((each) => inspect(each?.attributes.toObject())).join() + inside.join()
}

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })
