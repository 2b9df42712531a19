import type { OptionFault } from './definition.ts'
import type { SendingOptions } from './sending-options.ts'

/**
 * What the schema of the shared sending options cannot say, for the decoded options of any exporter: values that contradict
 * one another, and what the Collector can do and Telegen cannot yet, which is refused rather than ignored.
 */
export function* checkSending(config: unknown): Iterable<OptionFault> {
  const { sending_queue: queue, retry_on_failure: retry } = (config ?? {}) as Shared
  if (queue?.enabled) yield* queueFaults(queue)
  if (retry?.enabled) yield* retryFaults(retry)
}

interface Shared {
  readonly sending_queue?: SendingOptions['queue']
  readonly retry_on_failure?: SendingOptions['retry']
}

function* queueFaults(queue: NonNullable<SendingOptions['queue']>): Iterable<OptionFault> {
  if (queue.storage !== undefined) {
    if (queue.wait_for_result) {
      const message = '`wait_for_result` is not supported with a persistent queue configured with `storage`'
      yield { path: ['sending_queue', 'wait_for_result'], message }
    }
    yield {
      path: ['sending_queue', 'storage'],
      message: 'a sending queue on disk (`storage`) is not built yet; queues are in memory',
      hint: 'leave `storage` out: the queue is lost when the process ends',
    }
  }
  if (queue.batch !== undefined) {
    yield {
      path: ['sending_queue', 'batch'],
      message: 'batching inside the sending queue (`batch`) is not built yet',
      hint: 'leave it out and put the batch processor into the pipeline',
    }
  }
}

function* retryFaults(retry: NonNullable<SendingOptions['retry']>): Iterable<OptionFault> {
  const { initial_interval, max_interval, max_elapsed_time } = retry
  if (max_elapsed_time === 0) return
  const path = ['retry_on_failure', 'max_elapsed_time']
  if (max_elapsed_time < initial_interval)
    yield { path, message: "'max_elapsed_time' must not be less than 'initial_interval'" }
  else if (max_elapsed_time < max_interval)
    yield { path, message: "'max_elapsed_time' must not be less than 'max_interval'" }
}
