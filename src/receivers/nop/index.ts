import { defineReceiver, Observable, Options, receive } from '../../plugin.ts'

export default defineReceiver({
  type: 'nop',
  summary: 'Takes nothing in, for pipelines that must have a receiver.',
  stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha', profiles: 'alpha' },
  config: Options({}),
  create: () => receive({ open: async () => {}, deliveries: () => new Observable(() => {}) }),
})
