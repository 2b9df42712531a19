import type { Abort } from '../component/cancellation.ts'
import { Refused } from '../component/refused.ts'

/** Why a request did not go on: a signal that fired at its time limit means `deadline_exceeded`, any other `cancelled`. Both may be tried again. */
export function refusalOfAbort({ reason }: Abort): Refused {
  if (reason instanceof Refused) return reason
  const isTimeout = (reason as Error | undefined)?.name === 'TimeoutError'
  return new Refused(isTimeout ? 'the request took longer than its timeout' : 'the request was cancelled', {
    code: isTimeout ? 'deadline_exceeded' : 'cancelled',
    retry: {},
    cause: reason,
  })
}
