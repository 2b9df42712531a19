/**
 * A component's state, as the Collector names it. `starting`, `ok` after the start, `stopping` and `stopped` are
 * reported by the engine, the rest by the component. Allowed changes: starting -> ok | recoverable | permanent | fatal |
 * stopping; ok <-> recoverable, each -> permanent | fatal | stopping; permanent -> stopping; stopping -> recoverable |
 * permanent | fatal | stopped; fatal and stopped are final. A report that is not allowed changes nothing.
 */
export type ComponentState =
  'none' | 'starting' | 'ok' | 'recoverable_error' | 'permanent_error' | 'fatal_error' | 'stopping' | 'stopped'

/** How a component says how it is. `reason` is a sentence for people, naming what is wrong and what would help. */
export interface StatusReporter {
  ok(): void
  /** Something fails now and may work later; `ok()` takes it back. Turns readiness red. */
  recoverable(reason: string): void
  /** It will not work again without a change from outside. */
  permanent(reason: string): void
}

export interface ComponentStatus {
  /** `receiver`, `processor`, … */
  readonly kind: string
  /** `otlp_http/backup`. A processor stands here once for each pipeline that it is in. */
  readonly id: string
  /** Pipelines that the component takes part in, `traces/in`; none for an extension. */
  readonly pipelines: readonly string[]
  readonly state: ComponentState
  readonly reason: string | undefined
  /** When the state was entered, milliseconds since the Unix epoch. */
  readonly since: number
}
