import { defineExporter, Options } from '../../plugin.ts'

export default defineExporter({
  type: 'nop',
  summary: 'Takes everything and sends it nowhere.',
  stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha', profiles: 'alpha' },
  scale: 'replica',
  forwards: true,
  config: Options({}),
  create: () => ({ send: async () => {} }),
})
