import type { Condition } from './step.ts'

/** The same condition without what says nothing: a `not` of a `not`, an `and` or `or` of one. */
export function simplified(condition: Condition): Condition {
  switch (condition.kind) {
    case 'not': {
      const of = simplified(condition.of)
      if (of.kind === 'not') return of.of
      return of.kind === 'literal' ? { kind: 'literal', value: !of.value } : { kind: 'not', of }
    }
    case 'and':
    case 'or': {
      const of = condition.of.map(simplified)
      return of.length === 1 ? of[0]! : { kind: condition.kind, of }
    }
    default:
      return condition
  }
}
