/** The four kinds of telemetry, named as in a Collector's `service::pipelines`. */
export const SIGNALS = ['traces', 'metrics', 'logs', 'profiles'] as const
export type Signal = (typeof SIGNALS)[number]

/** What one item of a signal is called in metric names, as the Collector calls it (`otelcol_receiver_accepted_spans`). */
export const ITEMS: Readonly<Record<Signal, string>> = {
  traces: 'spans',
  metrics: 'metric_points',
  logs: 'log_records',
  profiles: 'profile_samples',
}

/** The unit of a count of items, as the Collector's metrics have it. */
export const ITEM_UNITS: Readonly<Record<Signal, string>> = {
  traces: '{span}',
  metrics: '{datapoint}',
  logs: '{record}',
  profiles: '{sample}',
}
