import { defineExtension } from '../../plugin.ts'
import { healthCheck } from './health-check.ts'
import { endpointsOf, faults, inspect, options } from './options.ts'

export default defineExtension({
  type: 'health_check',
  aliases: ['healthcheckv2'],
  summary: 'Answers over HTTP and gRPC whether Telegen runs, whether all of it works, and what does not.',
  stability: { extension: 'beta' },
  scale: 'global',
  config: options,
  check: faults,
  inspect,
  listens: endpointsOf,
  offers: () => [],
  create: healthCheck,
})
