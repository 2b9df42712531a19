import type { ComponentState, ComponentStatus } from '../component/status.ts'

/** From bad to worse; whatever is not here is as good as `ok`. */
const TROUBLE: readonly ComponentState[] = ['recoverable_error', 'permanent_error', 'fatal_error']

/** Each of `own`, or what another process says of the same component where that is worse. */
export function worstStatuses(
  own: readonly ComponentStatus[],
  elsewhere: readonly (readonly ComponentStatus[])[],
): readonly ComponentStatus[] {
  if (elsewhere.length === 0) return own
  const failing = new Map<string, ComponentStatus>()
  for (const status of elsewhere.flat()) {
    if (!TROUBLE.includes(status.state)) continue
    const known = failing.get(keyOf(status))
    if (known === undefined || isWorse(status, known)) failing.set(keyOf(status), status)
  }
  return own.map((status) => {
    const other = failing.get(keyOf(status))
    if (other === undefined || !isWorse(other, status)) return status
    return { ...status, state: other.state, reason: other.reason, since: other.since }
  })
}

const isWorse = (one: ComponentStatus, other: ComponentStatus): boolean =>
  TROUBLE.indexOf(one.state) > TROUBLE.indexOf(other.state)

/** A processor stands here once for each pipeline; receivers and exporters may be in fewer pipelines elsewhere. */
const keyOf = ({ kind, id, pipelines }: ComponentStatus): string =>
  kind === 'processor' ? `${kind} ${id} ${pipelines.join(' ')}` : `${kind} ${id}`
