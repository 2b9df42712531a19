import { defineProcessor, Options } from 'telegen/plugin'

export default defineProcessor({
  type: 'batch',
  summary: 'Takes the name of another.',
  stability: { traces: 'alpha' },
  config: Options({}),
  create: () => ({ steps: [] }),
})
