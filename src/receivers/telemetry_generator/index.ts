import { defineReceiver } from '../../plugin.ts'
import { generating } from './generator.ts'
import { faults, options } from './options.ts'

export default defineReceiver({
  type: 'telemetry_generator',
  aliases: ['otlp_generator'],
  summary: 'Makes telemetry up, for trials: nothing of it was observed, and all of it says so.',
  stability: { traces: 'development', metrics: 'development', logs: 'development', profiles: 'development' },
  scale: 'global',
  config: options,
  check: faults,
  create: (context) => generating(context),
})
