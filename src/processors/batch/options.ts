import { Duration, Options, StringList, Type } from '../../plugin.ts'
import type { OptionFault, Signal, Static } from '../../plugin.ts'

const ownSizes = (signal: string) =>
  Type.Optional(
    Options(
      {
        timeout: Type.Optional(Duration({ description: 'Of these, instead of the common one.' })),
        send_batch_size: Type.Optional(
          Type.Integer({ minimum: 0, description: 'Of these, instead of the common one.' }),
        ),
        send_batch_max_size: Type.Optional(
          Type.Integer({ minimum: 0, description: 'Of these, instead of the common one.' }),
        ),
      },
      { description: `What differs for ${signal}.` },
    ),
  )

export const options = Options({
  timeout: Duration({
    default: '200ms',
    description: 'How long data waits at most for more of it; 0 sends everything at once.',
  }),
  send_batch_size: Type.Integer({
    default: 8192,
    minimum: 0,
    description:
      'Spans, data points or log records that are sent without waiting for the timeout; of samples at most 100.',
  }),
  send_batch_max_size: Type.Integer({
    default: 0,
    minimum: 0,
    description: 'The most that a batch may hold; larger ones are split. 0 is no limit.',
  }),
  metadata_keys: StringList({
    default: [],
    description: 'Request headers whose values keep batches apart, and are all that is kept of the requests.',
  }),
  metadata_cardinality_limit: Type.Integer({
    default: 1000,
    minimum: 1,
    description: 'How many combinations of those values may be waiting at the same time.',
  }),
  traces: ownSizes('spans'),
  metrics: ownSizes('data points'),
  logs: ownSizes('log records'),
  profiles: ownSizes('samples'),
})
export type BatchConfig = Static<typeof options>

/** `timeout` in milliseconds; sizes in items, Infinity where there is no limit. */
export interface Sizes {
  readonly timeout: number
  readonly size: number
  readonly maxSize: number
}

/** A sample brings its stack along, and merging changes all that it points to: batches of profiles are smaller. */
const SAMPLES = 100

export function sizesFor(config: BatchConfig, signal: Signal): Sizes {
  const common = signal === 'profiles' ? Math.min(config.send_batch_size, SAMPLES) : config.send_batch_size
  const { timeout, send_batch_size, send_batch_max_size } = { ...config, send_batch_size: common, ...config[signal] }
  return { timeout, size: timeout === 0 ? 0 : send_batch_size, maxSize: send_batch_max_size || Infinity }
}

export function* faults(config: BatchConfig): Iterable<OptionFault> {
  for (const signal of ['traces', 'metrics', 'logs', 'profiles'] as const) {
    const { timeout, size, maxSize } = sizesFor(config, signal)
    const path = config[signal] ? [signal] : []
    if (timeout < 0) yield { path: [...path, 'timeout'], message: 'timeout must be greater or equal to 0' }
    if (maxSize < size)
      yield {
        path: [...path, 'send_batch_max_size'],
        message: 'send_batch_max_size must be greater or equal to send_batch_size',
      }
    if (path.length === 0) break
  }
  const seen = new Set<string>()
  for (const [index, key] of config.metadata_keys.entries()) {
    if (seen.has(key.toLowerCase()))
      yield {
        path: ['metadata_keys', index],
        message: `duplicate entry in metadata_keys: "${key.toLowerCase()}" (case-insensitive)`,
      }
    seen.add(key.toLowerCase())
  }
}
