import { ClientAuthentication, defineExtension, ServerAuthentication } from '../../plugin.ts'
import { basicClient } from './basic-client.ts'
import { basicServer } from './basic-server.ts'
import { faults, inspect, options } from './options.ts'

export default defineExtension({
  type: 'basicauth',
  aliases: ['basic_auth'],
  summary: 'Authenticates by user and password, on requests that arrive or on requests that leave.',
  stability: { extension: 'beta' },
  scale: 'replica',
  config: options,
  check: faults,
  inspect,
  offers: ({ client_auth }) => [client_auth ? ClientAuthentication : ServerAuthentication],
  create: (context) => (context.config.client_auth ? basicClient(context) : basicServer(context)),
})
