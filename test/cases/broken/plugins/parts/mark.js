import { defineProcessor, Options, Type } from 'telegen/plugin'

export default defineProcessor({
  type: 'mark',
  summary: 'Cannot be created where it is told to fail.',
  stability: { traces: 'alpha' },
  config: Options({ value: Type.String({ default: 'yes', description: 'What it says.' }) }),
  create: ({ config }) => {
    if (config.value === 'fail') throw new Error('there is nothing to mark')
    return { steps: [] }
  },
})
