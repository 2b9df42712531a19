import { defineProcessor } from '../../plugin.ts'
import { counted } from './counted.ts'
import { filterSteps } from './filter-steps.ts'
import { faults, options } from './options.ts'

export default defineProcessor({
  type: 'filter',
  summary: 'Drops spans, metrics and log records by names, attributes and severity.',
  stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha' },
  scale: 'replica',
  config: options,
  check: faults,
  create: (context) => ({ steps: filterSteps(context.config, context.signal), dropped: counted(context) }),
})
