/**
 * Numbers of 56 bits, in which OpenTelemetry's consistent probability sampling counts
 * (https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/), as two halves: no double holds one,
 * and bigints would be made for every record.
 */
export interface Bits {
  /** The upper 28 bits; one more than they can hold in `NEVER`. */
  readonly high: number
  readonly low: number
}

export const HALF = 2 ** 28
const HALF_DIGITS = 7
export const DIGITS = 14
const ONE = 2n ** 56n
const HEX = Buffer.from('0123456789abcdef')

/** As a threshold: of 2^56 kinds of randomness none is rejected. */
export const ALWAYS: Bits = { high: 0, low: 0 }
/** As a threshold: all are. */
export const NEVER: Bits = { high: HALF, low: 0 }
/** As randomness: what every threshold but `NEVER` lets through. */
export const HIGHEST: Bits = { high: HALF - 1, low: HALF - 1 }

export const isLess = (a: Bits, b: Bits): boolean => a.high < b.high || (a.high === b.high && a.low < b.low)

/** Whether a record of this randomness is kept at this threshold. */
export const keeps = (threshold: Bits, randomness: Bits): boolean => !isLess(randomness, threshold)

const RANDOMNESS = /^[0-9a-fA-F]{14}$/
const THRESHOLD = /^[0-9a-fA-F]{1,14}$/

/** The value of `rv`: undefined where it is none. */
export const parseRandomness = (text: string): Bits | undefined => (RANDOMNESS.test(text) ? bitsOf(text) : undefined)

/** The value of `th`, whose zeros at the end are left out: undefined where it is none. */
export const parseThreshold = (text: string): Bits | undefined =>
  THRESHOLD.test(text) ? bitsOf(text.padEnd(DIGITS, '0')) : undefined

const bitsOf = (digits: string): Bits => ({
  high: parseInt(digits.slice(0, HALF_DIGITS), 16),
  low: parseInt(digits.slice(HALF_DIGITS), 16),
})

/** A leading 1 keeps the zeros behind it, until it is cut off. */
export const randomnessText = ({ high, low }: Bits): string =>
  (HALF + high).toString(16).slice(1) + (HALF + low).toString(16).slice(1)

/** Writes the same as ASCII. Returns where it ends. */
export function writeRandomness(buffer: Buffer, at: number, { high, low }: Bits): number {
  for (let shift = 24; shift >= 0; shift -= 4) buffer[at++] = HEX[(high >>> shift) & 15]!
  for (let shift = 24; shift >= 0; shift -= 4) buffer[at++] = HEX[(low >>> shift) & 15]!
  return at
}

/** `0` where everything is kept; nothing where nothing is. */
export function thresholdText(threshold: Bits): string {
  if (threshold.high === HALF) return ''
  return randomnessText(threshold).replace(/0+$/, '') || '0'
}

/** The share, from 0 to 1, that a threshold keeps. */
export const probabilityOf = ({ high, low }: Bits): number => ((HALF - high) * HALF - low) / 2 ** 56

/**
 * The threshold that keeps this share, rounded to so many hexadecimal digits, and more near 0 and 1, where leading digits say
 * nothing. Undefined where the share is not from 2^-56 to 1.
 */
export function thresholdOf(probability: number, precision: number): Bits | undefined {
  if (!(probability >= 2 ** -56 && probability <= 1)) return undefined
  if (probability === 1) return ALWAYS
  const idle = Math.max(leadingZeros(probability), leadingZeros(1 - probability))
  const digits = Math.min(DIGITS, precision + idle)
  const shift = BigInt(4 * (DIGITS - digits))
  let threshold = ONE - BigInt(Math.round(probability * 2 ** 56))
  if (shift > 0n) threshold = ((threshold + (1n << (shift - 1n))) >> shift) << shift
  return { high: Number(threshold / BigInt(HALF)), low: Number(threshold % BigInt(HALF)) }
}

/** Hexadecimal digits that are 0 after the point of a number below 1. */
function leadingZeros(number: number): number {
  let digits = 0
  for (let rest = number; rest < 1 / 16 && digits < DIGITS; rest *= 16) digits++
  return digits
}

/** Buckets of a hundredth of `hash_seed`, in the 32 bits in which the Collector multiplies. */
const BUCKETS_PER_CENT = Math.fround(2 ** 14 / 100)

/** The threshold under which hashes stay in this percentage of the buckets; undefined where that is not a single bucket. */
export function hashThreshold(percentage: number): Bits | undefined {
  const buckets = Math.trunc(Math.fround(Math.fround(percentage) * BUCKETS_PER_CENT))
  return buckets === 0 ? undefined : { high: (2 ** 14 - buckets) * 2 ** 14, low: 0 }
}
