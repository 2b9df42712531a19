import { defineExtension, RequestLimiting } from '../../plugin.ts'
import { faults, options } from './options.ts'
import { rateLimiter } from './rate-limiter.ts'

export default defineExtension({
  type: 'rate_limiter',
  summary: 'Limits how many requests, bytes and items a second each sender may send.',
  stability: { extension: 'alpha' },
  scale: 'global',
  config: options,
  check: faults,
  offers: () => [RequestLimiting],
  create: rateLimiter,
})
