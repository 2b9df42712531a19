import { findAttribute, keyAt, placeAttribute, putAttribute, removeAttribute } from '../wire/attributes.ts'
import { DataField } from '../wire/metric-fields.ts'
import { keyOf } from '../wire/key.ts'
import { ENTRY, Message } from '../wire/message.ts'
import { Place } from '../wire/place.ts'
import { isText, readText, readValue } from '../wire/read-value.ts'
import { textForm } from '../wire/text-form.ts'
import { copyKeyValueEntry, writeKeyValueEntry, written } from '../wire/write-value.ts'
import type { Constants } from './constants.ts'
import type { Given, Givens } from './given.ts'
import { converted } from './convert.ts'
import { digestOf } from './digest.ts'
import type { Scope, Subject } from './levels.ts'
import type { Act } from './node.ts'
import { spotOf, type Spot } from './path.ts'
import type { Edit, Path, Pattern, RecordLevel, Value } from './step.ts'

/** Values that do not stand in the records. */
export interface Outside {
  readonly constants: Constants
  readonly givens: Givens
}

/** An edit made ready for the records of one level. Throws where it can never be done. */
export function actOf(
  edit: Exclude<Edit, { kind: 'sample' }>,
  level: RecordLevel,
  scope: Scope,
  outside: Outside,
): Act {
  switch (edit.kind) {
    case 'drop':
      return () => true
    case 'delete_matching':
    case 'hash_matching':
      return matching(edit, subjectAt(edit.on ?? level, level, scope))
    case 'rename':
      return renamed(edit.path, edit.to, level, scope)
    default:
      return act(edit, changeableSpot(edit.path, level, scope), level, scope, outside)
  }
}

type SpotEdit = Exclude<Edit, { kind: 'drop' | 'sample' | 'delete_matching' | 'hash_matching' | 'rename' }>

function act(edit: SpotEdit, spot: Spot, level: RecordLevel, scope: Scope, { constants, givens }: Outside): Act {
  switch (edit.kind) {
    case 'insert':
    case 'update':
    case 'upsert':
      if ('value' in edit.source) return literal(edit, spot, edit.source.value, constants)
      return 'given' in edit.source
        ? told(edit, spot, givens.of(edit.source.given), edit.source.otherwise)
        : copied(edit, spot, spotOf(edit.source.path, level, scope), edit.source.otherwise)
    case 'delete':
      return () => {
        spot.remove()
        return false
      }
    case 'hash':
      return rewritten(spot, (place, buffer) => digestOf(buffer, place, edit.algorithm))
    case 'convert':
      return rewritten(spot, (place, buffer) => {
        const value = readValue(buffer, place)
        return value === undefined ? undefined : converted(value, edit.to)
      })
    case 'extract':
      return extracted(spot, edit.pattern)
  }
}

function subjectAt(on: RecordLevel, level: RecordLevel, scope: Scope): Subject {
  return spotOf({ on, attribute: '' }, level, scope).subject
}

function changeableSpot(path: Path, level: RecordLevel, scope: Scope): Spot {
  const spot = spotOf(path, level, scope)
  if (spot.field instanceof DataField && spot.subject.level !== level) {
    throw new Error(`a step on ${level} cannot change what a metric says of all its points`)
  }
  return spot
}

type Put = Edit & { readonly kind: 'insert' | 'update' | 'upsert' }

function literal(edit: Put, spot: Spot, value: Value, constants: Constants): Act {
  if ('attribute' in edit.path) return literalAttribute(edit, edit.path.attribute, spot.subject, value, constants)
  refuseMisfit(edit.path.field, spot, value)
  const set = setter(spot, value, constants)
  const place = new Place()
  return () => {
    spot.locate(place)
    if (applies(edit.kind, place.exists)) set()
    return false
  }
}

/**
 * Sets a field to a literal. Where the field is an entry of its own, nothing is written: the tape points to the
 * constant.
 */
function setter({ field, subject, set, remove }: Spot, value: Value, constants: Constants): () => void {
  if (field?.tags === undefined) return () => void set(value)
  const { tags } = field
  const constant = constants.field(field, value)
  if (constant === undefined) return () => void remove()
  const { message } = subject
  const { tag, entry } = constant
  return () => {
    const base = message.arena.constants
    message.put(tags, tag, base + entry.start, base + entry.value, base + entry.end)
  }
}

const applies = (kind: Put['kind'], exists: boolean): boolean => kind === 'upsert' || (kind === 'update') === exists

function refuseMisfit(name: string, { field, subject }: Spot, value: Value): void {
  if (field === undefined || field instanceof DataField) return
  const { arena } = subject.message
  arena.open(0)
  const fits = field.set(new Message(arena), value)
  arena.close()
  if (!fits) throw new Error(`the field "${name}" of a ${subject.level} cannot hold ${textForm(value)}`)
}

/** The commonest edit: nothing is written, the tape points to the constant. */
function literalAttribute(edit: Put, name: string, subject: Subject, value: Value, constants: Constants): Act {
  const { message, attributes } = subject
  const { arena } = message
  const key = keyOf(name)
  const { tag } = attributes
  const { start, value: content, end } = constants.keyValue(attributes.number, key, value)
  const { kind } = edit
  return () => {
    const index = findAttribute(message, tag, key)
    if (applies(kind, index >= 0)) {
      const base = arena.constants
      putAttribute(message, tag, key, index, base + start, base + content, base + end)
    }
    return false
  }
}

function copied(edit: Put, spot: Spot, source: Spot, otherwise: Value | undefined): Act {
  const target = new Place()
  const place = new Place()
  return () => {
    spot.locate(target)
    if (!applies(edit.kind, target.exists)) return false
    source.locate(place)
    if (place.exists) spot.copy(place)
    else if (otherwise !== undefined) spot.set(otherwise)
    return false
  }
}

/** Sets what is known of the batch. */
function told(edit: Put, spot: Spot, given: Given, otherwise: Value | undefined): Act {
  const target = new Place()
  return () => {
    const value = given.value ?? otherwise
    if (value === undefined) return false
    spot.locate(target)
    if (applies(edit.kind, target.exists)) spot.set(value)
    return false
  }
}

/** Sets what `make` makes of the value, unless there is none or it makes nothing. */
function rewritten(spot: Spot, make: (place: Place, buffer: Buffer) => Value | undefined): Act {
  const place = new Place()
  return () => {
    spot.locate(place)
    if (!place.exists) return false
    const value = make(place, spot.subject.message.arena.buffer)
    if (value !== undefined) spot.set(value)
    return false
  }
}

function extracted(spot: Spot, pattern: Pattern): Act {
  const place = new Place()
  const { message, attributes } = spot.subject
  return () => {
    spot.locate(place)
    if (!place.exists || !isText(place.kind)) return false
    const groups = pattern.exec(readText(message.arena.buffer, place))?.groups
    for (const [name, text] of Object.entries(groups ?? {})) {
      if (text !== undefined) setAttribute(message, attributes, name, text)
    }
    return false
  }
}

/** Adds or replaces an attribute. */
export function setAttribute(message: Message, attributes: Subject['attributes'], name: string, value: Value): void {
  const key = keyOf(name)
  const { number, tag } = attributes
  writeKeyValueEntry(message.arena, number, key, value)
  const index = findAttribute(message, tag, key)
  putAttribute(message, tag, key, index, written.start, written.value, written.end)
}

type Matching = Edit & { readonly kind: 'delete_matching' | 'hash_matching' }

function matching(edit: Matching, { message, attributes }: Subject): Act {
  const { number, tag } = attributes
  const place = new Place()
  return () => {
    for (let index = 0; index < message.length; index += ENTRY) {
      if (message.tape[index] !== tag) continue
      const name = keyAt(message, index)
      if (!edit.pattern.test(name)) continue
      if (edit.kind === 'delete_matching') {
        message.remove(index)
        continue
      }
      placeAttribute(place, message, index)
      const digest = digestOf(message.arena.buffer, place, edit.algorithm)
      writeKeyValueEntry(message.arena, number, keyOf(name), digest)
      message.replace(index, tag, written.start, written.value, written.end)
    }
    return false
  }
}

function renamed(path: Path, to: string, level: RecordLevel, scope: Scope): Act {
  if (!('attribute' in path)) throw new Error(`only an attribute can be renamed, not the field "${path.field}"`)
  const { message, attributes } = spotOf(path, level, scope).subject
  const { number, tag } = attributes
  const from = keyOf(path.attribute)
  const target = keyOf(to)
  const place = new Place()
  if (to === path.attribute) return () => false
  return () => {
    const index = findAttribute(message, tag, from)
    if (index < 0) return false
    placeAttribute(place, message, index)
    copyKeyValueEntry(message.arena, number, target, place)
    removeAttribute(message, tag, target)
    putAttribute(message, tag, from, index, written.start, written.value, written.end)
    return false
  }
}
