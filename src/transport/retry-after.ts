/** The longest wait that is believed, in milliseconds; what a server asks beyond it is a mistake. */
const LONGEST_WAIT = 24 * 60 * 60 * 1000

const SECONDS = /^\d{1,15}$/
/** The three forms of an HTTP date (RFC 9110, 5.6.7) begin with a day's name. */
const DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/

/** Milliseconds that a `Retry-After` header asks for: whole seconds, or an HTTP date compared with `now`. Undefined where it is neither. */
export function parseRetryAfter(value: string | undefined, now: number = Date.now()): number | undefined {
  const text = value?.trim() ?? ''
  if (SECONDS.test(text)) return Math.min(Number(text) * 1000, LONGEST_WAIT)
  if (!DATE.test(text)) return undefined
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), LONGEST_WAIT)
}

/** A `Retry-After` header for a wait of `after` milliseconds: whole seconds, rounded up, at least one. */
export const retryAfter = (after: number): string => String(Math.max(1, Math.ceil(after / 1000)))
