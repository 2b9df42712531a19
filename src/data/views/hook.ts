import type { Condition, DROP, Hook, RecordLevel, Step } from '../steps/step.ts'
import type { ViewOf } from './records.ts'

/**
 * A step that calls a function for each record of a level, with the view of that level.
 *
 * ```ts
 * hook('span', (span) => {
 *   if (span.attributes.is('http.route', '/healthz')) return DROP
 *   span.name = `${span.attributes.get('http.request.method')} ${span.name}`
 * })
 * ```
 */
export function hook<L extends RecordLevel>(
  on: L,
  act: (record: ViewOf[L]) => typeof DROP | void,
  when?: Condition,
): Step {
  return { on, act: act as Hook, ...(when && { when }) }
}
