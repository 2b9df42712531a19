import { editsOf, levelOf, type Numbered } from './fuse.ts'
import type { Condition, Edit, Path, Step } from './step.ts'

/**
 * The same steps of one level, with those that only drop moved before edits that cannot matter to them: a record that
 * goes need not be edited first. What a hook or a step that changes an enclosing record does shows even if the record
 * goes, so nothing moves before those.
 */
export function dropsFirst(steps: readonly Numbered[]): readonly Numbered[] {
  const ordered: Numbered[] = []
  for (const each of steps) {
    let at = ordered.length
    if (isDrop(each.step)) while (at > 0 && mayPass(each.step, ordered[at - 1]!.step)) at--
    ordered.splice(at, 0, each)
  }
  return ordered
}

function isDrop({ act }: Step): boolean {
  return typeof act !== 'function' && editsOf(act).every(({ kind }) => kind === 'drop')
}

function mayPass(drop: Step, earlier: Step): boolean {
  if (typeof earlier.act === 'function' || isDrop(earlier)) return false
  const { on } = earlier
  const read = drop.when === undefined ? [] : pathsOf(drop.when)
  return editsOf(earlier.act).every((edit) => {
    if (edit.kind === 'drop') return true
    // It counts what it sees.
    if (edit.kind === 'sample') return false
    const isOwn = 'path' in edit ? levelOf(edit.path, on) === on : (edit.on ?? on) === on
    return isOwn && !read.some((path) => levelOf(path, on) === on && mayChange(edit, path))
  })
}

/** The places that a condition looks at. */
export function pathsOf(condition: Condition): readonly Path[] {
  switch (condition.kind) {
    case 'literal':
      return []
    case 'and':
    case 'or':
      return condition.of.flatMap(pathsOf)
    case 'not':
      return pathsOf(condition.of)
    default:
      return [condition.path]
  }
}

/**
 * Whether an edit of a record may change what stands at `path` in it. Fields may overlap, so any may change any other.
 */
function mayChange(edit: Exclude<Edit, { kind: 'drop' | 'sample' }>, path: Path): boolean {
  switch (edit.kind) {
    case 'delete_matching':
    case 'hash_matching':
      return 'attribute' in path && edit.pattern.test(path.attribute)
    case 'extract':
      return 'attribute' in path
    case 'rename':
      return 'attribute' in path && (path.attribute === edit.to || isAttribute(edit.path, path.attribute))
    default:
      return 'attribute' in path ? isAttribute(edit.path, path.attribute) : 'field' in edit.path
  }
}

const isAttribute = (path: Path, name: string): boolean => 'attribute' in path && path.attribute === name
