import { defineProcessor } from '../../plugin.ts'
import { divided, faults, options } from './options.ts'
import { refusing } from './refusing.ts'

export default defineProcessor({
  type: 'memory_limiter',
  summary: 'Refuses data, so that senders keep it and try again, while the process uses too much memory.',
  stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha', profiles: 'alpha' },
  scale: 'replica',
  config: options,
  check: faults,
  divided,
  create: (context) => refusing(context),
})
