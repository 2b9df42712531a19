/** Time as a component sees it. All waiting goes through it, so that a test can turn it by hand. */
export interface Clock {
  /** Milliseconds since the Unix epoch: for what people read. Jumps when the system's clock is set. */
  now(): number
  /** Nanoseconds since the Unix epoch, for telemetry. */
  nowNano(): bigint
  /** Milliseconds on a clock that never jumps: for durations and deadlines. */
  monotonic(): number
  /** Calls `run` once after `delay` milliseconds, or never if cancelled before. Timers do not keep the process alive. */
  after(delay: number, run: () => void): Timer
  /** Calls `run` every `interval` milliseconds. */
  every(interval: number, run: () => void): Timer
  /** Resolves after `delay` milliseconds; rejects with the signal's reason when aborted. */
  sleep(delay: number, abort?: AbortSignal): Promise<void>
}

export interface Timer {
  cancel(): void
}

/** Milliseconds. Node takes what is longer, by its word 25 days, for one millisecond. */
export const MAX_DELAY = 2 ** 31 - 1

const timer = (cancel: () => void): Timer => ({ cancel })

export const systemClock: Clock = {
  now: () => Date.now(),
  nowNano: () => BigInt(Date.now()) * 1_000_000n,
  monotonic: () => performance.now(),
  after(delay, run) {
    const handle = setTimeout(run, Math.min(delay, MAX_DELAY)).unref()
    return timer(() => clearTimeout(handle))
  },
  every(interval, run) {
    const handle = setInterval(run, Math.min(interval, MAX_DELAY)).unref()
    return timer(() => clearInterval(handle))
  },
  sleep(delay, abort) {
    return new Promise((resolve, reject) => {
      if (abort?.aborted) return reject(abort.reason as Error)
      const finish = () => {
        abort?.removeEventListener('abort', leave)
        resolve()
      }
      const waiting = systemClock.after(delay, finish)
      const leave = () => {
        waiting.cancel()
        reject(abort?.reason as Error)
      }
      abort?.addEventListener('abort', leave, { once: true })
    })
  },
}
