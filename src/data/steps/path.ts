import { findAttribute, placeAttribute, putAttribute, removeAttribute } from '../wire/attributes.ts'
import type { Accessor } from '../wire/accessor.ts'
import { accessor } from '../wire/fields.ts'
import { keyOf } from '../wire/key.ts'
import type { Message } from '../wire/message.ts'
import type { Place } from '../wire/place.ts'
import { copyKeyValueEntry, writeKeyValueEntry, written } from '../wire/write-value.ts'
import { enclosing, messagesOf, type Scope, type Subject } from './levels.ts'
import type { Path, RecordLevel, Value } from './step.ts'

/** A path made ready for the records of one level. */
export interface Spot {
  readonly subject: Subject
  readonly locate: (place: Place) => void
  /** Says whether the place can hold `value`; if not, nothing was set. */
  readonly set: (value: Value) => boolean
  /** Sets what stands at `source`. */
  readonly copy: (source: Place) => boolean
  readonly remove: () => boolean
  /** The field behind it; undefined for an attribute. */
  readonly field: Accessor | undefined
}

/** Throws where there is no such place. */
export function spotOf(path: Path, level: RecordLevel, scope: Scope): Spot {
  const on = path.on ?? level
  const subject = scope[on]
  if (subject === undefined) {
    const seen = [...enclosing(level), level].join(', ')
    throw new Error(`a step on ${level} sees ${seen}, but not ${on}`)
  }
  return 'attribute' in path ? attributeSpot(subject, path.attribute) : fieldSpot(subject, path.field)
}

function attributeSpot(subject: Subject, name: string): Spot {
  const { message, attributes } = subject
  const { number, tag } = attributes
  const key = keyOf(name)
  const put = () =>
    putAttribute(message, tag, key, findAttribute(message, tag, key), written.start, written.value, written.end)
  return {
    subject,
    field: undefined,
    locate: (place) => placeAttribute(place, message, findAttribute(message, tag, key)),
    set: (value) => {
      writeKeyValueEntry(message.arena, number, key, value)
      put()
      return true
    },
    copy: (source) => {
      copyKeyValueEntry(message.arena, number, key, source)
      put()
      return true
    },
    remove: () => removeAttribute(message, tag, key),
  }
}

function fieldSpot(subject: Subject, name: string): Spot {
  const { message, level } = subject
  const field = accessor(subject.name, name)
  if (field === undefined) {
    // Kinds of data points differ in their fields: what one kind has is absent in the others.
    if (messagesOf(level).some((each) => accessor(each, name) !== undefined)) return absentSpot(subject)
    throw new Error(`a ${level} has no field "${name}"`)
  }
  return boundTo(field, subject, message)
}

const boundTo = (field: Accessor, subject: Subject, message: Message): Spot => ({
  subject,
  field,
  locate: (place) => field.locate(place, message),
  set: (value) => field.set(message, value),
  copy: (source) => field.copy(message, source),
  remove: () => field.remove(message),
})

const absentSpot = (subject: Subject): Spot => ({
  subject,
  field: undefined,
  locate: (place) => place.miss(),
  set: () => false,
  copy: () => false,
  remove: () => false,
})
