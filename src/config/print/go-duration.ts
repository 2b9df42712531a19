const SECOND = 1_000_000_000n
const MINUTE = 60n * SECOND
const HOUR = 60n * MINUTE

/** Milliseconds as Go prints a duration: `1h0m0s`, `1.5s`, `300ms`, `0s`. */
export function goDuration(milliseconds: number): string {
  const all = nanoseconds(milliseconds)
  if (all === 0n) return '0s'
  if (all < 1000n) return `${all}ns`
  if (all < 1_000_000n) return `${decimal(all, 1000n)}µs`
  if (all < SECOND) return `${decimal(all, 1_000_000n)}ms`
  const hours = all / HOUR
  const minutes = (all % HOUR) / MINUTE
  const seconds = `${decimal(all % MINUTE, SECOND)}s`
  if (hours > 0n) return `${hours}h${minutes}m${seconds}`
  return minutes > 0n ? `${minutes}m${seconds}` : seconds
}

/** In two parts: a whole number of milliseconds may be more nanoseconds than a double can count. */
function nanoseconds(milliseconds: number): bigint {
  const whole = Math.trunc(milliseconds)
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((milliseconds - whole) * 1e6))
}

function decimal(value: bigint, unit: bigint): string {
  const digits = String(value % unit)
    .padStart(String(unit).length - 1, '0')
    .replace(/0+$/, '')
  return digits === '' ? String(value / unit) : `${value / unit}.${digits}`
}
