import type { SendingOptions } from '../component/sending-options.ts'

type Retry = NonNullable<SendingOptions['retry']>

/**
 * Waits between tries, in milliseconds: exponential from `initial_interval` to `max_interval`, each strayed by up to
 * `randomization_factor`, as the Collector's.
 */
export function* backoff(retry: Retry, random: () => number = Math.random): Generator<number, never> {
  for (let interval = retry.initial_interval; ; interval = Math.min(interval * retry.multiplier, retry.max_interval)) {
    const stray = interval * retry.randomization_factor
    yield Math.max(0, interval - stray + random() * 2 * stray)
  }
}
