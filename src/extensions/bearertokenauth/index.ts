import { ClientAuthentication, defineExtension, ServerAuthentication } from '../../plugin.ts'
import { bearerToken } from './bearer-token.ts'
import { faults, inspect, options } from './options.ts'

export default defineExtension({
  type: 'bearertokenauth',
  aliases: ['bearer_token_auth'],
  summary: 'Authenticates by a bearer token, on requests that arrive and on requests that leave.',
  stability: { extension: 'beta' },
  scale: 'replica',
  config: options,
  check: faults,
  inspect,
  offers: () => [ClientAuthentication, ServerAuthentication],
  create: bearerToken,
})
