import { Block, ByteSize, Choice, ComponentId, Duration, Type } from './options.ts'
import type { Static } from './options.ts'

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
            "Capacity, waiting and in flight, in what `sizer` counts. Left out, the exporter has its share of the signal's byte budget.",
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
      storage: Type.Optional(ComponentId({ of: 'extension', description: 'Extension that keeps the queue on disk.' })),
      batch: Type.Optional(Type.Unknown({ description: 'Batching inside the queue.' })),
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
      max_interval: Duration({ default: '30s', description: 'The longest wait.' }),
      max_elapsed_time: Duration({ default: '300s', description: 'When to give up on a batch; 0 means never.' }),
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

/** No queue, no retry, no time-out: an exporter that writes to this very machine. */
export const DIRECT: SendingOptions = { timeout: 0, queue: undefined, retry: undefined }
