import { Block, ByteSize, Options, StringList, Type } from '../../plugin.ts'
import type { OptionFault, Static } from '../../plugin.ts'

const counted = (what: string) =>
  Type.Optional(
    Options(
      {
        rate: Type.Number({ exclusiveMinimum: 0, description: `${what} a second, on average.` }),
        burst: Type.Optional(
          Type.Integer({
            minimum: 1,
            description: 'How many may come at once; as many as in a second where left out.',
          }),
        ),
      },
      { description: `Limit on ${what.toLowerCase()}; none where left out.` },
    ),
  )

const limits = {
  requests: counted('Requests'),
  bytes: Type.Optional(
    Options(
      {
        rate: ByteSize({ minimum: 1, description: 'Bytes a second, on average, of messages once inflated.' }),
        burst: Type.Optional(
          ByteSize({ minimum: 1, description: 'How many may come at once; as many as in a second where left out.' }),
        ),
      },
      { description: 'Limit on bytes; none where left out.' },
    ),
  ),
  items: counted('Spans, data points, log records and samples'),
}

export const options = Options({
  by: StringList({
    default: [],
    description:
      'What tells senders apart: names of headers, `auth.<attribute>`, `client.address`. All are one where it is empty.',
  }),
  ...limits,
  overrides: Type.Array(
    Options({
      values: StringList({ description: 'The sender: a value for each name of `by`, in its order.' }),
      ...limits,
    }),
    { default: [], description: 'Senders with limits of their own. Those that are left out stay as they are for all.' },
  ),
  max_senders: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    description:
      'Senders that are counted by themselves at the same time, besides those of `overrides`. What comes besides shares the limits of one.',
  }),
})
export type RateLimiterOptions = Static<typeof options>

const limitsSchema = Block(limits, { description: '' })
export type Limits = Static<typeof limitsSchema>
export type LimitName = keyof Limits
export const LIMITS: readonly LimitName[] = ['requests', 'bytes', 'items']

export function* faults({ by, overrides, ...limits }: RateLimiterOptions): Iterable<OptionFault> {
  if (isEmpty(limits) && overrides.every(isEmpty))
    yield { path: [], message: 'nothing is limited', hint: 'write at least one of requests, bytes, items' }
  const seen = new Set<string>()
  for (const [at, override] of overrides.entries()) {
    const path = ['overrides', at]
    const key = JSON.stringify(override.values)
    if (by.length === 0) yield { path, message: 'all senders are one, since "by" is empty: there is none to except' }
    else if (override.values.length !== by.length)
      yield { path: [...path, 'values'], message: `must have ${by.length} values, one for each name of "by"` }
    else if (seen.has(key)) yield { path: [...path, 'values'], message: 'the same sender comes twice' }
    else if (isEmpty(override)) yield { path, message: 'no limit differs', hint: 'write requests, bytes or items' }
    seen.add(key)
  }
}

const isEmpty = (limits: Partial<Limits>): boolean => LIMITS.every((name) => limits[name] === undefined)
