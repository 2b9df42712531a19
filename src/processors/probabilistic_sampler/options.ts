import { Choice, Options, Type } from '../../plugin.ts'
import type { OptionFault, Static } from '../../plugin.ts'

const LEAST = 2 ** -56
const MOST_DIGITS = 14
const GREATEST_SEED = 2 ** 32 - 1

export const options = Options({
  sampling_percentage: Type.Number({ default: 0, description: 'How many of a hundred are kept; above 100 all are.' }),
  mode: Choice(['hash_seed', 'proportional', 'equalizing'], {
    default: 'hash_seed',
    description:
      "How it is decided: by a hash with the seed; by OpenTelemetry's consistent sampling, as a share of what arrives (proportional) or of what there once was (equalizing).",
  }),
  hash_seed: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: GREATEST_SEED,
    description:
      'Of mode hash_seed: those that sample one after the other must differ in it, those beside each other not.',
  }),
  fail_closed: Type.Boolean({
    default: true,
    description: 'Whether what cannot be decided (no trace id, a damaged trace state) is dropped, and not kept.',
  }),
  sampling_precision: Type.Integer({
    default: 4,
    description: 'Hexadecimal digits of thresholds that are written, 1 to 14.',
  }),
  attribute_source: Choice(['traceID', 'record'], {
    default: 'traceID',
    description:
      'Of log records, mode hash_seed: what is hashed, the trace id or the attribute that from_attribute names.',
  }),
  from_attribute: Type.String({
    default: '',
    description: 'Of log records, mode hash_seed: the attribute that is hashed, also where a trace id is missing.',
  }),
  sampling_priority: Type.String({
    default: '',
    description: 'Of log records: the attribute that says how many of a hundred like it are to be kept.',
  }),
})
export type SamplerConfig = Static<typeof options>

export function* faults({ sampling_percentage, sampling_precision }: SamplerConfig): Iterable<OptionFault> {
  const percentage = Math.fround(sampling_percentage)
  const rate = (message: string): OptionFault => ({ path: ['sampling_percentage'], message })
  if (!Number.isFinite(percentage)) yield rate(`sampling rate is invalid: ${special(percentage)}%`)
  else if (percentage < 0) yield rate(`sampling rate is negative: ${percentage.toFixed(6)}%`)
  else if (percentage > 0 && percentage / 100 < LEAST) yield rate(`sampling rate is too small: ${sampling_percentage}%`)
  const precision = (message: string): OptionFault => ({ path: ['sampling_precision'], message })
  if (sampling_precision < 1) yield precision(`invalid sampling precision: ${sampling_precision}`)
  else if (sampling_precision > MOST_DIGITS)
    yield precision(`sampling precision is too great, should be <= ${MOST_DIGITS}: ${sampling_precision}`)
}

/** As Go writes them. */
const special = (number: number): string => (Number.isNaN(number) ? 'NaN' : number > 0 ? '+Inf' : '-Inf')
