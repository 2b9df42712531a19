import { defineProcessor } from '../../plugin.ts'
import { faults, options } from './options.ts'
import { samplingSteps } from './sampling-steps.ts'

export default defineProcessor({
  type: 'probabilistic_sampler',
  aliases: ['sample'],
  summary: 'Keeps a share of all traces or log records, the same ones wherever it runs.',
  stability: { traces: 'alpha', logs: 'alpha' },
  scale: 'replica',
  config: options,
  check: faults,
  create: (context) => ({ steps: samplingSteps(context) }),
})
