import type { OptionFault } from './definition.ts'
import { batchSizer, patienceOf, queueSizer } from './sending-options.ts'
import type { QueueBatch, SendingOptions } from './sending-options.ts'

/**
 * What the schema of the shared sending options cannot say, for the decoded options of any exporter: values that contradict
 * one another.
 */
export function* checkSending(config: unknown): Iterable<OptionFault> {
  const { sending_queue: queue, retry_on_failure: retry } = (config ?? {}) as Shared
  if (queue?.enabled) yield* queueFaults(queue)
  if (retry?.enabled) yield* retryFaults(retry, patienceOf({ queue, retry }))
}

interface Shared {
  readonly sending_queue?: SendingOptions['queue']
  readonly retry_on_failure?: SendingOptions['retry']
}

type Queue = NonNullable<SendingOptions['queue']>

function* queueFaults(queue: Queue): Iterable<OptionFault> {
  if (queue.storage !== undefined && queue.wait_for_result) {
    const message = '`wait_for_result` is not supported with a persistent queue configured with `storage`'
    yield { path: ['sending_queue', 'wait_for_result'], message }
  }
  if (queue.spill && queue.storage === undefined)
    yield {
      path: ['sending_queue', 'spill'],
      message: '`spill` needs a disk to spill to',
      hint: 'name the extension that keeps it: `storage: file_storage`',
    }
  if (queue.storage !== undefined && queue.on_full === 'drop_oldest' && queue.queue_size === undefined)
    yield {
      path: ['sending_queue', 'on_full'],
      message: '`drop_oldest` on disk needs a `queue_size`: the storage may be full of what others keep there',
      hint: 'say how much this queue may keep: `queue_size: 1GiB` with `sizer: bytes`',
    }
  if (queue.batch?.enabled) yield* batchFaults(queue, queue.batch)
}

function* batchFaults(queue: Queue, batch: QueueBatch): Iterable<OptionFault> {
  const path = (...names: (string | number)[]) => ['sending_queue', 'batch', ...names]
  const sizer = batchSizer(queue)
  const { flush_timeout, min_size, max_size, partition } = batch
  if (sizer === 'requests')
    yield {
      path: batch.sizer === undefined ? path() : path('sizer'),
      message: '`batch` supports only `items` or `bytes` sizer, found "requests"',
    }
  if (flush_timeout <= 0)
    yield { path: path('flush_timeout'), message: `\`flush_timeout\` must be positive, found ${flush_timeout * 1e6}` }
  if (min_size < 0) yield { path: path('min_size'), message: `\`min_size\` must be non-negative, found ${min_size}` }
  if (max_size < 0) yield { path: path('max_size'), message: `\`max_size\` must be non-negative, found ${max_size}` }
  else if (max_size > 0 && max_size < min_size)
    yield {
      path: path('max_size'),
      message: `\`max_size\` (${max_size}) must be greater or equal to \`min_size\` (${min_size})`,
    }
  if (queue.queue_size !== undefined && sizer === queueSizer(queue) && min_size > queue.queue_size)
    yield { path: path('min_size'), message: '`min_size` must be less than or equal to `queue_size`' }
  yield* duplicates(partition.metadata_keys, path('partition', 'metadata_keys'))
}

function* duplicates(keys: readonly string[], path: readonly (string | number)[]): Iterable<OptionFault> {
  const seen = new Set<string>()
  for (const [index, key] of keys.entries()) {
    const name = key.toLowerCase()
    if (seen.has(name))
      yield { path: [...path, index], message: `duplicate entry in metadata_keys: "${name}" (case-insensitive)` }
    seen.add(name)
  }
}

function* retryFaults(
  { initial_interval, max_interval }: NonNullable<SendingOptions['retry']>,
  max_elapsed_time: number,
): Iterable<OptionFault> {
  if (max_elapsed_time === 0) return
  const path = ['retry_on_failure', 'max_elapsed_time']
  if (max_elapsed_time < initial_interval)
    yield { path, message: "'max_elapsed_time' must not be less than 'initial_interval'" }
  else if (max_elapsed_time < max_interval)
    yield { path, message: "'max_elapsed_time' must not be less than 'max_interval'" }
}
