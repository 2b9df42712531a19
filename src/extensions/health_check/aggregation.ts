import type { ComponentState, ComponentStatus } from '../../plugin.ts'

export type State = Pick<ComponentStatus, 'state' | 'reason' | 'since'>

/** Which errors are told of where there are both. */
export type Priority = 'permanent' | 'recoverable'

const ERRORS: Readonly<Record<Priority, readonly ComponentState[]>> = {
  permanent: ['permanent_error', 'recoverable_error'],
  recoverable: ['recoverable_error', 'permanent_error'],
}

/**
 * One state of several, by the rules of the Collector's `pkg/status`: what is starting or stopping comes before errors. An error is the one
 * that came first, since it is likely the cause of the others and its time is that of the whole failure; else the time is that of the last.
 */
export function worst(states: readonly State[], priority: Priority): State {
  const last = states.toSorted((one, other) => other.since - one.since)[0]
  if (last === undefined) return { state: 'none', reason: undefined, since: 0 }
  const state = stateOf(new Set(states.map((each) => each.state)), priority)
  const matching = states.filter((each) => each.state === state).toSorted((one, other) => one.since - other.since)
  const isError = state.endsWith('_error')
  return (isError ? matching[0] : undefined) ?? { state, reason: undefined, since: last.since }
}

function stateOf(seen: ReadonlySet<ComponentState>, priority: Priority): ComponentState {
  const [only] = seen
  if (seen.size === 1 && only !== undefined) return only
  for (const state of ['fatal_error', 'starting', 'stopping'] as const) if (seen.has(state)) return state
  if (seen.has('stopped')) return 'stopping'
  return ERRORS[priority].find((state) => seen.has(state)) ?? 'none'
}
