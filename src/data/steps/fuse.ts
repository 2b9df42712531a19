import { enclosing, encloses } from './levels.ts'
import type { Condition, Edit, Path, RecordLevel, Step } from './step.ts'

/** A step and its place in the list that was compiled. */
export interface Numbered {
  readonly step: Step
  readonly index: number
}

/**
 * Cuts a chain of steps into visits, each of which runs all of its steps in one walk over a batch. A visit goes from
 * the outside in and record by record, so in it a step on an outer level runs before the steps on inner ones, and all
 * steps on one record before any on the next. A step begins a new visit where that would show: where it would not see,
 * or be seen by, an earlier step as if each of them had gone over the whole batch alone.
 */
export function fuse(steps: readonly Numbered[]): readonly (readonly Numbered[])[] {
  const visits: Numbered[][] = []
  let visit: Numbered[] = []
  let effects: Effects[] = []
  for (const each of steps) {
    const effect = effectsOf(each.step)
    if (effects.some((earlier) => disturbs(earlier, effect))) {
      visits.push(visit)
      visit = []
      effects = []
    }
    visit.push(each)
    effects.push(effect)
  }
  if (visit.length > 0) visits.push(visit)
  return visits
}

/** What a step touches, as levels. */
interface Effects {
  readonly level: RecordLevel
  readonly reads: ReadonlySet<RecordLevel>
  /** Levels whose records it drops or changes. */
  readonly writes: ReadonlySet<RecordLevel>
  readonly changes: ReadonlySet<RecordLevel>
  readonly drops: boolean
  readonly isHook: boolean
}

function disturbs(earlier: Effects, later: Effects): boolean {
  if (encloses(later.level, earlier.level)) {
    // The later step would run first. A hook may see what is inside of its record, and is called only for what is left.
    return later.isHook || takesAway(earlier, later) || share(earlier, later, () => true)
  }
  // On each record the earlier step runs first, as it should. But it has not been to the records that follow, so
  // neither
  // of them may write to a level of which several such records share one.
  return share(earlier, later, (level) => encloses(level, earlier.level))
}

/** Whether the later step, run first, would drop records in which the earlier one should have changed what stands around them. */
function takesAway(earlier: Effects, later: Effects): boolean {
  return later.drops && [...earlier.changes].some((level) => encloses(level, later.level))
}

/** Whether one writes to a level among `which` that the other reads or writes. */
function share(one: Effects, other: Effects, which: (level: RecordLevel) => boolean): boolean {
  const touches = (effects: Effects, level: RecordLevel) => effects.reads.has(level) || effects.writes.has(level)
  for (const level of one.writes) if (which(level) && touches(other, level)) return true
  for (const level of other.writes) if (which(level) && touches(one, level)) return true
  return false
}

export function effectsOf(step: Step): Effects {
  const { on: level, when, act } = step
  const reads = new Set<RecordLevel>()
  const writes = new Set<RecordLevel>()
  const changes = new Set<RecordLevel>()
  if (when !== undefined) readCondition(when, level, reads)
  if (typeof act !== 'function') {
    for (const edit of editsOf(act)) readEdit(edit, level, reads, changes)
    const drops = editsOf(act).some(({ kind }) => kind === 'drop' || kind === 'sample')
    if (drops) writes.add(level)
    for (const each of changes) writes.add(each)
    return { level, reads, writes, changes, drops, isHook: false }
  }
  for (const each of [...enclosing(level), level]) reads.add(each)
  return { level, reads, writes: new Set([level]), changes: new Set([level]), drops: true, isHook: true }
}

export const editsOf = (act: Edit | readonly Edit[]): readonly Edit[] => ('kind' in act ? [act] : act)

function readCondition(condition: Condition, level: RecordLevel, reads: Set<RecordLevel>): void {
  switch (condition.kind) {
    case 'literal':
      return
    case 'and':
    case 'or':
      for (const each of condition.of) readCondition(each, level, reads)
      return
    case 'not':
      return readCondition(condition.of, level, reads)
    default:
      reads.add(levelOf(condition.path, level))
  }
}

function readEdit(edit: Edit, level: RecordLevel, reads: Set<RecordLevel>, changes: Set<RecordLevel>): void {
  if (edit.kind === 'drop') return
  if (edit.kind === 'sample') {
    reads.add(level)
    changes.add(level)
    return
  }
  changes.add('path' in edit ? levelOf(edit.path, level) : (edit.on ?? level))
  if ('source' in edit && 'path' in edit.source) reads.add(levelOf(edit.source.path, level))
}

export const levelOf = (path: Path, level: RecordLevel): RecordLevel => path.on ?? level
