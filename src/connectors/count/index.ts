import { defineConnector, SIGNALS } from '../../plugin.ts'
import { counting } from './counting.ts'
import { faults, options } from './options.ts'

export default defineConnector({
  type: 'count',
  summary: 'Counts spans, span events, metrics, data points, log records and profiles, as metrics.',
  stability: SIGNALS.map((from) => ({ from, to: 'metrics', level: 'alpha' })),
  scale: 'replica',
  config: options,
  check: faults,
  create: (context) => ({ operator: counting(context) }),
})
