import { ClientAuthentication, defineExtension } from '../../plugin.ts'
import { headersSetter } from './headers-setter.ts'
import { faults, inspect, options } from './options.ts'

export default defineExtension({
  type: 'headers_setter',
  summary: 'Sets headers of requests that leave, from fixed values or from the request that brought the data.',
  stability: { extension: 'alpha' },
  scale: 'replica',
  config: options,
  check: faults,
  inspect,
  offers: () => [ClientAuthentication],
  create: headersSetter,
})
