import type { ProcessorContext } from '../../plugin.ts'

export interface BatchTelemetry {
  sent(items: number, cause: 'size' | 'timeout'): void
  dispose(): void
}

/** The Collector's metrics of this processor, by its names. */
export function batchTelemetry({ meter, id }: ProcessorContext, combinations: () => number): BatchTelemetry {
  const labels = { processor: id }
  const sizes = meter.histogram('otelcol_processor_batch_batch_send_size', {
    unit: '{unit}',
    description: 'Items in a batch that was sent.',
  })
  const triggers = {
    size: meter.counter('otelcol_processor_batch_batch_size_trigger_send', {
      unit: '{time}',
      description: 'Batches sent because they were large enough.',
    }),
    timeout: meter.counter('otelcol_processor_batch_timeout_trigger_send', {
      unit: '{time}',
      description: 'Batches sent because they had waited long enough.',
    }),
  }
  const dispose = meter.gauge(
    'otelcol_processor_batch_metadata_cardinality',
    { unit: '{combination}', description: 'Combinations of metadata values that wait.' },
    combinations,
    labels,
  )
  return {
    sent(items, cause) {
      sizes.record(items, labels)
      triggers[cause].add(1, labels)
    },
    dispose,
  }
}
