import { defineProcessor } from '../../plugin.ts'
import { batching } from './batcher.ts'
import { faults, options } from './options.ts'

export default defineProcessor({
  type: 'batch',
  summary: 'Puts small batches together, and takes large ones apart.',
  stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha', profiles: 'alpha' },
  scale: 'replica',
  config: options,
  check: faults,
  create: (context) => ({ operator: batching(context) }),
})
