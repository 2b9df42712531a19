import { Block, ByteSize, Choice, ComponentId, Duration, Options, StringList, Type } from './options.ts'
import type { Static } from './options.ts'
import { Storage } from './storage.ts'

const batchOptions = Options(
  {
    enabled: Type.Boolean({ default: true, description: 'Whether what waits is put together.' }),
    flush_timeout: Duration({ default: '200ms', description: 'How long data waits at most for more of it.' }),
    sizer: Type.Optional(
      Choice(['requests', 'items', 'bytes'], {
        description:
          'What the sizes count, `items` or `bytes`; what the queue counts where that is written, else `items`.',
      }),
    ),
    min_size: Type.Integer({ default: 8192, description: 'What is sent without waiting for the timeout.' }),
    max_size: Type.Integer({
      default: 0,
      description: 'The most that a request may hold; larger ones are split. 0 is no limit.',
    }),
    partition: Block(
      {
        metadata_keys: StringList({
          default: [],
          description: 'Request headers whose values keep batches apart, and are all that is kept of the requests.',
        }),
      },
      { description: 'What must not be sent together.' },
    ),
  },
  { description: 'Puts requests that wait together into larger ones, and takes apart those that are too large.' },
)

export type Sizer = 'requests' | 'items' | 'bytes'

/** Decoded. */
export type QueueBatch = Static<typeof batchOptions>

/** Options that the engine reads of any exporter whose schema has them. Names and defaults are the Collector's. */
export const sendingOptions = {
  timeout: Duration({ default: '5s', description: 'How long one attempt to send may take; 0 means for ever.' }),
  sending_queue: Block(
    {
      enabled: Type.Boolean({
        default: true,
        description: 'Whether batches wait in a queue; without one the sender waits for the backend.',
      }),
      num_consumers: Type.Integer({
        default: 10,
        minimum: 1,
        description: 'How many batches are sent at the same time.',
      }),
      queue_size: Type.Optional(
        ByteSize({
          minimum: 1,
          description:
            "Capacity, waiting and in flight, in what `sizer` counts. Left out, the exporter has its share of the signal's byte budget, or with `storage` all that there is room for on disk.",
        }),
      ),
      sizer: Type.Optional(
        Choice(['requests', 'items', 'bytes'], {
          description: 'What `queue_size` counts; `requests` when it is left out, as in the Collector.',
        }),
      ),
      block_on_overflow: Type.Boolean({
        default: false,
        description: 'Whether receivers wait at the gate for room instead of refusing.',
      }),
      wait_for_result: Type.Boolean({
        default: false,
        description: 'Whether receivers acknowledge only what the backend has taken.',
      }),
      on_full: Choice(['hold', 'drop_oldest'], {
        default: 'hold',
        description: '`hold` closes the gate of the receivers; `drop_oldest` makes room by dropping, counted.',
      }),
      storage: Type.Optional(
        ComponentId({
          of: 'extension',
          offering: Storage,
          description: 'Extension that keeps the queue on disk: everything goes there before it is acknowledged.',
        }),
      ),
      spill: Type.Boolean({
        default: false,
        description: 'With `storage`: goes to disk only while memory is full, and at the stop.',
      }),
      batch: Type.Optional(batchOptions),
    },
    { description: 'The queue in front of the exporter.' },
  ),
  retry_on_failure: Block(
    {
      enabled: Type.Boolean({ default: true, description: 'Whether a failure that may pass is tried again.' }),
      initial_interval: Duration({ default: '5s', description: 'Wait before the first retry.' }),
      randomization_factor: Type.Number({
        default: 0.5,
        minimum: 0,
        maximum: 1,
        description: 'How far a wait may stray, as a share of it.',
      }),
      multiplier: Type.Number({
        default: 1.5,
        minimum: 0,
        description: 'What each wait is multiplied by for the next.',
      }),
      max_interval: Duration({
        default: '30s',
        description: 'The longest wait; 5s at most are waited, so that a backend is found when it is back.',
      }),
      max_elapsed_time: Type.Optional(
        Duration({
          description:
            'When to give up on a batch; 0 means never. Left out, never where the queue has a `storage`, and else after 300s.',
        }),
      ),
    },
    { description: 'How a failed attempt is tried again.' },
  ),
}

/** What the sending layer needs to know, decoded. Durations in milliseconds. */
export interface SendingOptions {
  readonly timeout: number
  readonly queue: Static<typeof sendingOptions.sending_queue> | undefined
  readonly retry: Static<typeof sendingOptions.retry_on_failure> | undefined
}

/** What the queue's capacity counts: without a size of its own it has a share of the byte budget. */
export const queueSizer = ({ sizer, queue_size }: NonNullable<SendingOptions['queue']>): Sizer =>
  sizer ?? (queue_size === undefined ? 'bytes' : 'requests')

/** What the sizes of a batch count: `requests` is refused by `checkSending`. */
export const batchSizer = ({ sizer, batch }: NonNullable<SendingOptions['queue']>): Sizer =>
  batch?.sizer ?? sizer ?? 'items'

/** Whether all that the queue takes is on disk before it is acknowledged. */
export const keepsOnDisk = (queue: SendingOptions['queue']): boolean =>
  queue?.enabled === true && queue.storage !== undefined && !queue.spill

/** When a batch is given up that cannot be sent, in milliseconds; 0 is never. */
export const patienceOf = ({ queue, retry }: Pick<SendingOptions, 'queue' | 'retry'>): number =>
  retry?.max_elapsed_time ?? (queue?.enabled === true && queue.storage !== undefined ? 0 : DEFAULT_PATIENCE)

/** Milliseconds, as in the Collector. */
const DEFAULT_PATIENCE = 300_000

/** No queue, no retry, no time-out: an exporter that writes to this very machine. */
export const DIRECT: SendingOptions = { timeout: 0, queue: undefined, retry: undefined }
