import {
  attributeAction,
  attributeActionFaults,
  defineProcessor,
  Options,
  recordMatch,
  recordMatchFaults,
  Type,
} from '../../plugin.ts'
import { attributeSteps } from './attribute-steps.ts'

export default defineProcessor({
  type: 'attributes',
  summary: 'Changes attributes of spans, data points and log records.',
  stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha' },
  scale: 'replica',
  config: Options({
    actions: Type.Array(attributeAction, { default: [], description: 'What is done, in this order.' }),
    include: Type.Optional(recordMatch('The only records that are changed.')),
    exclude: Type.Optional(recordMatch('Records that are not changed, though they are included.')),
  }),
  *check({ actions, include, exclude }) {
    if (actions.length === 0)
      yield {
        path: ['actions'],
        message: 'error creating "attributes" processor due to missing required field "actions"',
      }
    yield* attributeActionFaults(actions, ['actions'])
    if (include) yield* recordMatchFaults(include, ['include'])
    if (exclude) yield* recordMatchFaults(exclude, ['exclude'])
  },
  create: ({ config, signal }) => ({ steps: attributeSteps(config, signal) }),
})
