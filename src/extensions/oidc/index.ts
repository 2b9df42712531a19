import { defineExtension, ServerAuthentication } from '../../plugin.ts'
import { oidc } from './oidc.ts'
import { faults, inspect, options } from './options.ts'

export default defineExtension({
  type: 'oidc',
  summary: 'Authenticates requests that arrive by tokens (JWT) that an OpenID Connect issuer signed.',
  stability: { extension: 'alpha' },
  scale: 'replica',
  config: options,
  check: faults,
  inspect,
  offers: () => [ServerAuthentication],
  create: oidc,
})
