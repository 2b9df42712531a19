import type { ProcessorContext } from '../../plugin.ts'

export interface BatchTelemetry {
  sent(items: number, bytes: number, cause: 'size' | 'timeout'): void
  dispose(): void
}

/** Upper bounds of buckets, as the Collector's. */
const ITEMS = [
  10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000, 10_000, 20_000,
  30_000, 50_000, 100_000,
]
const BYTES = [
  ...ITEMS,
  ...[2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40, 50, 60, 70, 80, 90].map((hundreds) => hundreds * 100_000),
]

/** The Collector's metrics of this processor, by its names. */
export function batchTelemetry({ meter, id }: ProcessorContext, combinations: () => number): BatchTelemetry {
  const labels = { processor: id }
  const items = meter.histogram('otelcol_processor_batch_batch_send_size', {
    unit: '{unit}',
    level: 'normal',
    description: 'Items in a batch that was sent.',
    boundaries: ITEMS,
  })
  const bytes = meter.histogram('otelcol_processor_batch_batch_send_size_bytes', {
    unit: 'By',
    level: 'detailed',
    description: 'Bytes in a batch that was sent.',
    boundaries: BYTES,
  })
  const trigger = (name: string, description: string) =>
    meter
      .counter(`otelcol_processor_batch_${name}_trigger_send`, { unit: '{time}', level: 'normal', description })
      .bound(labels)
  const triggers = {
    size: trigger('batch_size', 'Batches sent because they were large enough.'),
    timeout: trigger('timeout', 'Batches sent because they had waited long enough.'),
  }
  const dispose = meter.observableUpDownCounter(
    'otelcol_processor_batch_metadata_cardinality',
    { unit: '{combination}', level: 'normal', description: 'Combinations of metadata values that wait.' },
    combinations,
    labels,
  )
  return {
    sent(count, size, cause) {
      items.record(count, labels)
      bytes.record(size, labels)
      triggers[cause].add(1)
    },
    dispose,
  }
}
