import { AttributeIs } from '../wire/attribute-is.ts'
import { accessor } from '../wire/fields.ts'
import { Interest } from '../wire/interest.ts'
import { keyOf } from '../wire/key.ts'
import { pathsOf } from './drops-first.ts'
import { editsOf, levelOf } from './fuse.ts'
import type { Subject } from './levels.ts'
import { pathsOfLog } from './sample-log.ts'
import { pathsOfSpan } from './sample-span.ts'
import type { Edit, Path, Step } from './step.ts'

/**
 * What steps look for in the records of a subject, so that a scan leaves out the rest. Undefined where they may look at
 * anything: hooks do, and patterns.
 */
export function interestOf(steps: readonly Step[], subject: Subject): Interest | undefined {
  const interest = new Interest(subject.attributes.tag)
  for (const { on, when, act } of steps) {
    if (typeof act === 'function') return undefined
    const paths = when === undefined ? [] : [...pathsOf(when)]
    for (const edit of editsOf(act)) {
      const touched = pathsTouched(edit, on)
      if (touched === undefined) return undefined
      paths.push(...touched)
    }
    const own = paths.filter((path) => levelOf(path, on) === subject.level)
    if (!own.every((path) => isNoted(interest, subject, path))) return undefined
  }
  return interest
}

/** Undefined where they depend on the record. */
function pathsTouched(edit: Edit, on: Step['on']): readonly Path[] | undefined {
  switch (edit.kind) {
    case 'drop':
      return []
    case 'delete_matching':
    case 'hash_matching':
    case 'extract':
      return undefined
    case 'sample':
      return on === 'span' ? pathsOfSpan : pathsOfLog(edit.sampling)
    case 'rename':
      return [edit.path, { ...edit.path, attribute: edit.to }]
    default:
      return 'source' in edit && 'path' in edit.source ? [edit.path, edit.source.path] : [edit.path]
  }
}

function isNoted(interest: Interest, subject: Subject, path: Path): boolean {
  if ('attribute' in path) {
    interest.key(keyOf(path.attribute))
    return true
  }
  const field = accessor(subject.name, path.field)
  // Kinds of data points differ in their fields.
  if (field === undefined) return true
  return field.within !== undefined && field.within.every((tag) => interest.field(tag))
}

/** Of a step that drops records for the text of one of their attributes, that. */
export function attributeThatDrops({ on, when, act }: Step): AttributeIs | undefined {
  if (when === undefined || typeof act === 'function') return undefined
  const [only, ...others] = editsOf(act)
  if (only?.kind !== 'drop' || others.length > 0) return undefined
  const isNegated = when.kind === 'not'
  const condition = isNegated ? when.of : when
  if (condition.kind !== 'compare' || (condition.operator !== '==' && condition.operator !== '!=')) return undefined
  const { path, value } = condition
  if (typeof value !== 'string' || !('attribute' in path) || levelOf(path, on) !== on) return undefined
  const key = keyOf(path.attribute).bytes
  return new AttributeIs(key, keyOf(value).bytes, isNegated !== (condition.operator === '!='))
}
