import type { Clock } from '../component/clock.ts'
import type { Life } from '../component/definition.ts'
import type { Created } from './components.ts'
import { unlessAborted, within } from './within.ts'

/** A start that failed: names the component. What had been started before it has been stopped again. */
export class StartFailed extends Error {
  constructor({ kind, id }: Created<unknown>, cause: unknown) {
    super(`failed to start "${id}" ${kind}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.name = 'StartFailed'
  }
}

/** A component that did not stop cleanly, or not in time. */
export class StopFailed extends Error {
  constructor({ kind, id }: Created<unknown>, cause: unknown) {
    super(`failed to stop "${id}" ${kind}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.name = 'StopFailed'
  }
}

/**
 * Starts a component. A component that never starts must not keep the process from going on: `abort` calls it off. Where it starts after
 * all, later than that, `undo` is called.
 */
export async function begin(
  created: Created<unknown>,
  start: () => Promise<void>,
  abort: AbortSignal | undefined,
  undo: () => Promise<void>,
): Promise<void> {
  created.status.enter('starting', undefined)
  let starting: Promise<void> | undefined
  try {
    await unlessAborted(() => (starting = start()), abort)
  } catch (error) {
    void starting?.then(undo, () => {})
    created.status.enter('permanent_error', error instanceof Error ? error.message : String(error))
    throw new StartFailed(created, error)
  }
  if (created.status.status.state === 'starting') created.status.enter('ok', undefined)
}

/** Stops a component that has been started. Resolves to what went wrong, if anything did. */
export async function end(created: Created<unknown>, deadline: AbortSignal, clock: Clock): Promise<Error[]> {
  const { instance, status, meter } = created
  status.enter('stopping', undefined)
  try {
    await within(deadline, clock, () => (instance as Life).stop?.(deadline))
    return []
  } catch (error) {
    return [new StopFailed(created, error)]
  } finally {
    // Trouble on the way to a stop is over with it, and must be left through `stopping`.
    status.enter('stopping', undefined)
    status.enter('stopped', undefined)
    meter.forget()
  }
}
