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
  // Profiles of different senders point into dictionaries of their own, so they go on as they come.
  create: (context) => ({ operator: context.signal === 'profiles' ? (source) => source : batching(context) }),
})
