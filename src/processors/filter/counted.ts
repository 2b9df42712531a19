import type { ProcessorContext, Signal } from '../../plugin.ts'
import type { FilterConfig } from './options.ts'

/** What the Collector calls the items of each signal here. */
const ITEMS: Readonly<Record<Signal, { readonly name: string; readonly words: string }>> = {
  traces: { name: 'spans', words: 'spans' },
  metrics: { name: 'datapoints', words: 'metric data points' },
  logs: { name: 'logs', words: 'logs' },
  profiles: { name: 'profiles', words: 'profiles' },
}

/** Counts what is dropped. */
export function counted({ id, meter, signal }: ProcessorContext<FilterConfig>): (items: number) => void {
  const { name, words } = ITEMS[signal]
  const description = `Number of ${words} dropped by the filter processor`
  const counter = meter
    .counter(`otelcol_processor_filter_${name}.filtered`, { unit: '1', description })
    .bound({ filter: id })
  return (items) => counter.add(items)
}
