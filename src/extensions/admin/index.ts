import { defineExtension, inspectTls } from '../../plugin.ts'
import { faults, listening, options } from './options.ts'
import { adminServer } from './server.ts'

export default defineExtension({
  type: 'admin',
  summary:
    'Lets operators look into a running Telegen and reload it: status, plan, configuration, log level, profiles, tap.',
  stability: { extension: 'alpha' },
  scale: 'global',
  config: options,
  check: faults,
  inspect: ({ tls }) => inspectTls(tls, ['tls']),
  listens: listening,
  offers: () => [],
  create: (context) => adminServer(context),
})
