import { defineExporter, DIRECT } from '../../plugin.ts'
import { faults, options } from './options.ts'
import { printer } from './printer.ts'

export default defineExporter({
  type: 'debug',
  summary: 'Shows what comes, for people to look at.',
  stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha', profiles: 'development' },
  scale: 'replica',
  config: options,
  check: faults,
  sending: () => DIRECT,
  create: (context) => printer(context),
})
