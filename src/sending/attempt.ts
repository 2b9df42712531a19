import type { Clock } from '../component/clock.ts'
import type { Exporter, SendResult } from '../component/definition.ts'
import type { Delivery } from '../component/delivery.ts'
import { Refused } from '../component/refused.ts'

/** How long an aborted send may take to let go before it is left behind, in milliseconds. */
const GRACE = 5_000
/** How long a backend may say nothing before that is worth telling, in milliseconds. */
export const SILENCE = 5_000

export interface AttemptOptions {
  readonly clock: Clock
  /** Milliseconds; 0 means for ever. */
  readonly timeout: number
  /** Fires at the drain deadline. */
  readonly abort: AbortSignal
  /** Told of a send that has not settled `GRACE` after it was aborted. */
  readonly onStuck: () => void
  /** Told every `SILENCE` while there is no answer. */
  readonly onSilent: () => void
}

/**
 * One call of `send`, bounded by the timeout. The batch stays retained until the exporter's promise settles, even where
 * that is long after the attempt was given up: the transport may still read the bytes.
 */
export async function attempt(
  exporter: Exporter,
  delivery: Delivery,
  options: AttemptOptions,
): Promise<SendResult | void> {
  const { clock, timeout, abort, onStuck, onSilent } = options
  const batch = delivery.batch.retain()
  const control = new AbortController()
  const stop = () => control.abort(drained())
  let isOver = false
  const expire = () => isOver || control.abort(timedOut(timeout))
  const timer = timeout > 0 ? clock.after(timeout, () => afterReading(expire)) : undefined
  const silent = clock.every(SILENCE, onSilent)
  let grace: ReturnType<Clock['after']> | undefined
  const stuck = new Promise<never>((_, reject) => {
    control.signal.addEventListener('abort', () => {
      grace = clock.after(GRACE, () => {
        onStuck()
        reject(control.signal.reason as Refused)
      })
    })
  })
  if (abort.aborted) stop()
  else abort.addEventListener('abort', stop, { once: true })
  const sent = send(exporter, delivery, control.signal).finally(() => batch.release())
  try {
    return await Promise.race([sent, stuck])
  } catch (error) {
    throw control.signal.aborted && !(error instanceof Refused) ? control.signal.reason : error
  } finally {
    isOver = true
    abort.removeEventListener('abort', stop)
    timer?.cancel()
    silent.cancel()
    grace?.cancel()
  }
}

/**
 * Where the process stood still, timers are due before anything is read of what has come meanwhile: an answer that is there counts,
 * or a busy moment would have everything sent twice.
 */
const afterReading = (run: () => void): void => void setImmediate(() => setImmediate(run))

const timedOut = (timeout: number): Refused =>
  new Refused(`the attempt took longer than ${timeout} ms`, { code: 'deadline_exceeded', retry: {} })
const drained = (): Refused => new Refused('stopped before the backend answered', { code: 'unavailable', retry: {} })

/** So that a throw before the first await is a rejection like any other. */
async function send(exporter: Exporter, delivery: Delivery, abort: AbortSignal): Promise<SendResult | void> {
  return exporter.send(delivery.batch, { abort, origin: delivery.origin })
}
