import type { Clock, Timer } from '../component/clock.ts'

/** How long a component may take to let go once the deadline of the stop has passed, in milliseconds. */
const GRACE = 2_000

/** Waits for `work` until a little after `deadline` aborts; then rejects, and what `work` still does is left behind. */
export async function within(deadline: AbortSignal, clock: Clock, work: () => Promise<void> | void): Promise<void> {
  let timer: Timer | undefined
  let count = () => {}
  const overdue = new Promise<never>((_, reject) => {
    count = () => {
      timer = clock.after(GRACE, () => reject(new Error(`has not ended ${GRACE} ms after the deadline`)))
    }
  })
  if (deadline.aborted) count()
  else deadline.addEventListener('abort', count, { once: true })
  try {
    await Promise.race([(async () => work())(), overdue])
  } finally {
    deadline.removeEventListener('abort', count)
    timer?.cancel()
  }
}

/** Waits for `work`, but no longer than until `abort` fires: then rejects with its reason. */
export async function unlessAborted(work: () => Promise<void>, abort: AbortSignal | undefined): Promise<void> {
  if (abort === undefined) return work()
  abort.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const leave = () => reject(abort.reason as Error)
  abort.addEventListener('abort', leave, { once: true })
  try {
    await Promise.race([work(), promise])
  } finally {
    abort.removeEventListener('abort', leave)
  }
}

/** Resolves when `signal` aborts; listens no longer than until `done`. */
export const aborted = (signal: AbortSignal, done: Promise<void>): Promise<void> =>
  new Promise((resolve) => {
    const give = () => resolve()
    signal.addEventListener('abort', give, { once: true })
    void done.then(() => signal.removeEventListener('abort', give))
  })
