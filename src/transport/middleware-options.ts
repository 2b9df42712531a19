import { ComponentId, Options, Type } from '../component/options.ts'
import { RequestLimiting } from '../component/request-limiting.ts'
import type { RequestLimiter } from '../component/request-limiting.ts'

/** The Collector's configmiddleware, for servers: `middlewares: [{ id: <extension> }]`. */
export const serverMiddlewares = () =>
  Type.Array(
    Options({
      id: ComponentId({
        of: 'extension',
        offering: RequestLimiting,
        description: 'The extension; it must be listed in `service::extensions`.',
      }),
    }),
    {
      default: [],
      description: 'Extensions that say whether a request may come in (`rate_limiter`), asked in this order.',
    },
  )

/** Several limiters as one: the first that refuses is the answer. */
export const limiterOf = (limiters: readonly RequestLimiter[]): RequestLimiter | undefined =>
  limiters.length < 2
    ? limiters[0]
    : {
        refuse(sender) {
          for (const limiter of limiters) {
            const refused = limiter.refuse(sender)
            if (refused) return refused
          }
          return undefined
        },
        took(sender, taken) {
          for (const limiter of limiters) limiter.took(sender, taken)
        },
      }
