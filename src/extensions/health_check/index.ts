import { defineExtension, inspectTls } from '../../plugin.ts'
import { addressOf, faults, options } from './options.ts'
import { healthServer } from './server.ts'

export default defineExtension({
  type: 'health_check',
  summary: 'Answers over HTTP whether Telegen runs, whether all of it works, and what does not.',
  stability: { extension: 'alpha' },
  config: options,
  check: faults,
  inspect: ({ tls }) => inspectTls(tls, ['tls']),
  listens({ endpoint }) {
    const address = addressOf(endpoint)
    return address ? [`tcp://${endpoint}`] : []
  },
  offers: () => [],
  create: (context) => healthServer(context),
})
