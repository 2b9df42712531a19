import { defineConnector, Options, SIGNALS } from '../../plugin.ts'

export default defineConnector({
  type: 'forward',
  summary: 'Joins pipelines: what leaves one goes into others of the same signal.',
  stability: SIGNALS.map((signal) => ({ from: signal, to: signal, level: 'alpha' })),
  scale: 'replica',
  config: Options({}),
  create: () => ({ operator: (source) => source }),
})
