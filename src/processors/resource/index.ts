import { attributeAction, attributeActionFaults, attributeEdits, defineProcessor, Options, Type } from '../../plugin.ts'

export default defineProcessor({
  type: 'resource',
  summary: 'Changes attributes of resources.',
  stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha', profiles: 'development' },
  scale: 'replica',
  config: Options({
    attributes: Type.Array(attributeAction, { default: [], description: 'What is done, in this order.' }),
  }),
  *check({ attributes }) {
    if (attributes.length === 0)
      yield {
        path: ['attributes'],
        message: 'error creating "resource" processor due to missing required field "attributes"',
      }
    yield* attributeActionFaults(attributes, ['attributes'])
  },
  create: ({ config }) => ({ steps: [{ on: 'resource', act: attributeEdits(config.attributes) }] }),
})
