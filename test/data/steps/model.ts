/**
 * Steps run over requests in the shape of OTLP/JSON, one step after another over the whole request, in the plainest way:
 * what the runner must come to.
 */
import { createHash } from 'node:crypto'
import type { JsonObject, JsonValue } from '../../../src/data/codec/json.ts'
import { equal } from '../../../src/data/steps/equal.ts'
import {
  Double,
  type Condition,
  type Edit,
  type Path,
  type RecordLevel,
  type Step,
  type Value,
} from '../../../src/data/steps/step.ts'
import type { OracleSignal } from '../oracle.ts'
import type { MessageName } from '../../../src/data/wire/schema.ts'
import { anyOf, defaultOf, fieldOf, scalarOf, valueOf } from './json-value.ts'
import { DATA, list, recordsIn, type Found } from './records.ts'

/** Runs the steps on a copy. */
export function model(signal: OracleSignal, steps: readonly Step[], request: JsonObject): JsonObject {
  const copy = structuredClone(request)
  for (const step of steps) {
    for (const record of recordsIn(signal, copy, step.on)) {
      if (step.when !== undefined && !holds(step.when, record)) continue
      const edits = (Array.isArray(step.act) ? step.act : [step.act]) as Edit[]
      for (const edit of edits) if (apply(edit, record)) break
    }
  }
  return copy
}

interface At {
  readonly value: Value | undefined
  readonly exists: boolean
  /** The AnyValue itself, where it is one. */
  readonly any?: JsonObject
}

const ATTRIBUTES: Partial<Record<RecordLevel, string>> = { exemplar: 'filteredAttributes', metric: 'metadata' }
const attributesName = (level: RecordLevel): string => ATTRIBUTES[level] ?? 'attributes'
const keyOf = (keyValue: JsonObject): string => (keyValue['key'] ?? '') as string

/** What stands at a path, as conditions see it. */
export function at(path: Path, { level, names, around }: Found): At {
  const on = path.on ?? level
  const record = around[on]!
  if ('attribute' in path) {
    const found = list(record, attributesName(on)).find((each) => keyOf(each) === path.attribute)
    const any = (found?.['value'] ?? {}) as JsonObject
    return { value: valueOf(any), exists: found !== undefined, any }
  }
  return field(path.field, record, names[on]!)
}

function field(path: string, record: JsonObject, name: MessageName): At {
  if (path === 'body') {
    const any = (record['body'] ?? {}) as JsonObject
    return { value: valueOf(any), exists: 'body' in record, any }
  }
  if (path === 'type') {
    const type = DATA.find((each) => each in record)
    return { value: type?.replace('exponentialH', 'exponential_h'), exists: type !== undefined }
  }
  if (path === 'value') {
    const member = ['as_double', 'as_int'].find((each) => fieldOf(name, each) && fieldOf(name, each)!.json in record)
    return member === undefined ? { value: undefined, exists: false } : field(member, record, name)
  }
  const [outer, inner] = path.split('.')
  const found = fieldOf(name, outer!)
  if (found === undefined) return { value: undefined, exists: false }
  if (inner !== undefined) return field(inner, (record[found.json] ?? {}) as JsonObject, found.message!)
  const value = record[found.json]
  if (value !== undefined) return { value: scalarOf(found, value), exists: true }
  return { value: found.presence ? undefined : defaultOf(found), exists: false }
}

export function holds(condition: Condition, record: Found): boolean {
  switch (condition.kind) {
    case 'literal':
      return condition.value
    case 'and':
      return condition.of.every((each) => holds(each, record))
    case 'or':
      return condition.of.some((each) => holds(each, record))
    case 'not':
      return !holds(condition.of, record)
    case 'exists':
      return at(condition.path, record).exists
    case 'matches': {
      const { value } = at(condition.path, record)
      return typeof value === 'string' && condition.pattern.test(value)
    }
    case 'compare': {
      const { value } = at(condition.path, record)
      const same = value !== undefined && equal(value, condition.value, condition.typed === true)
      if (condition.operator === '==') return same
      if (condition.operator === '!=') return !same
      return ordered(condition.operator, value, condition.value)
    }
    case 'sampled':
      throw new Error('the model does not sample')
  }
}

function ordered(operator: '<' | '<=' | '>' | '>=', a: Value | undefined, b: Value): boolean {
  const [left, right] = [plain(a), plain(b)]
  if (left === undefined || right === undefined || (typeof left === 'string') !== (typeof right === 'string'))
    return false
  if (Number.isNaN(left) || Number.isNaN(right)) return false
  const texts = [left, right].map((each) => Buffer.from(String(each)))
  const sign =
    typeof left === 'string'
      ? Buffer.compare(texts[0]!, texts[1]!)
      : left < (right as number)
        ? -1
        : left > (right as number)
          ? 1
          : 0
  return operator === '<' ? sign < 0 : operator === '<=' ? sign <= 0 : operator === '>' ? sign > 0 : sign >= 0
}

/** Texts and numbers; undefined for what has no order. */
function plain(value: Value | undefined): string | number | bigint | undefined {
  if (value instanceof Double) return value.value
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? value : undefined
}

/** Says whether the record is gone. */
function apply(edit: Edit, record: Found): boolean {
  switch (edit.kind) {
    case 'drop':
      drop(record)
      return true
    case 'sample':
      throw new Error('the model does not sample')
    case 'insert':
    case 'update':
    case 'upsert':
      put(edit, record)
      return false
    case 'delete':
      if ('attribute' in edit.path)
        editAttributes(edit.path, record, (all, key) => all.filter((each) => keyOf(each) !== key))
      else setField(edit.path.field, record, undefined)
      return false
    case 'delete_matching':
      editAttributes({ ...edit, attribute: '' }, record, (all) => all.filter((each) => !edit.pattern.test(keyOf(each))))
      return false
    case 'rename':
      if (!('attribute' in edit.path) || edit.path.attribute === edit.to) return false
      editAttributes(edit.path, record, (all, key) => renamed(all, key, edit.to))
      return false
    case 'hash': {
      const { value, exists } = at(edit.path, record)
      if (exists) set(edit.path, record, anyOf(digest(value, edit.algorithm)))
      return false
    }
    default:
      throw new Error(`the model does not ${edit.kind}`)
  }
}

function renamed(all: readonly JsonObject[], from: string, to: string): JsonObject[] {
  const first = all.find((each) => keyOf(each) === from)
  if (first === undefined) return [...all]
  const kept = all.filter((each) => each === first || (keyOf(each) !== from && keyOf(each) !== to))
  return kept.map((each) => (each === first ? { key: to, value: each['value'] ?? {} } : each))
}

function digest(value: Value | undefined, algorithm: string): string {
  if (typeof value === 'string') return createHash(algorithm).update(value).digest('hex')
  if (typeof value === 'boolean')
    return createHash(algorithm)
      .update(Buffer.from([value ? 1 : 0]))
      .digest('hex')
  const bytes = Buffer.alloc(8)
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) bytes.writeBigInt64LE(BigInt(value as number))
  else if (typeof value === 'number' || value instanceof Double) bytes.writeDoubleLE(plain(value) as number)
  else return ''
  return createHash(algorithm).update(bytes).digest('hex')
}

type Put = Edit & { kind: 'insert' | 'update' | 'upsert' }

function put(edit: Put, record: Found): void {
  const { exists } = at(edit.path, record)
  if (edit.kind !== 'upsert' && (edit.kind === 'update') !== exists) return
  if ('value' in edit.source) return set(edit.path, record, anyOf(edit.source.value))
  if ('given' in edit.source)
    return edit.source.otherwise === undefined ? undefined : set(edit.path, record, anyOf(edit.source.otherwise))
  const source = at(edit.source.path, record)
  if (source.exists) set(edit.path, record, source.any ?? anyOf(source.value!))
  else if (edit.source.otherwise !== undefined) set(edit.path, record, anyOf(edit.source.otherwise))
}

function set(path: Path, record: Found, any: JsonObject): void {
  if ('field' in path) return setField(path.field, record, any)
  editAttributes(path, record, (all, key) => {
    const first = all.find((each) => keyOf(each) === key)
    if (first === undefined) return [...all, { key, value: any }]
    const kept = all.filter((each) => each === first || keyOf(each) !== key)
    return kept.map((each) => (each === first ? { key, value: any } : each))
  })
}

/** Texts and bodies only, which is what the steps of the tests set. */
function setField(name: string, record: Found, any: JsonObject | undefined): void {
  const object = record.around[record.level]!
  record.keep(record.level)
  if (any === undefined) delete object[name]
  else if (name === 'body') object[name] = any
  else if (typeof any['stringValue'] === 'string') object[name] = any['stringValue']
}

function editAttributes(
  path: { readonly on?: RecordLevel; readonly attribute: string },
  record: Found,
  edit: (all: JsonObject[], key: string) => JsonObject[],
): void {
  const on = path.on ?? record.level
  const object = record.around[on]!
  const name = attributesName(on)
  const before = list(object, name)
  const after = edit(before, path.attribute)
  if (after.length === before.length && after.every((each, index) => each === before[index])) return
  record.keep(on)
  object[name] = after as JsonValue
}

function drop({ holders, level }: Found): void {
  const isInner = level === 'spanEvent' || level === 'spanLink' || level === 'exemplar'
  for (const { list, element } of isInner ? holders.slice(0, 1) : holders) {
    list.splice(list.indexOf(element), 1)
    if (list.length > 0) return
  }
}
