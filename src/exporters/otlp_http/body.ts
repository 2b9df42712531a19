import { Malformed, Overdrawn, Refused, toJson } from '../../plugin.ts'
import type { Batch } from '../../plugin.ts'
import type { OtlpHttpOptions } from './options.ts'

/** What is posted of a batch, borrowed until it is released. */
export interface Body {
  readonly pieces: readonly Buffer[]
  release(): void
}

/** How long to wait, in milliseconds, until memory may be there again. */
const COME_BACK = 1000

export function bodyOf(batch: Batch, encoding: OtlpHttpOptions['encoding']): Body {
  if (encoding === 'proto') return { pieces: batch.segments(), release() {} }
  try {
    return toJson(batch)
  } catch (error) {
    throw refusalOf(error)
  }
}

/** A batch that nothing has opened may be malformed; its JSON, which is several times as large, may find no room. */
function refusalOf(error: unknown): unknown {
  if (error instanceof Malformed)
    return new Refused(error.message, { code: 'invalid_argument', retry: 'never', cause: error })
  if (error instanceof Overdrawn)
    return new Refused(error.message, { code: 'resource_exhausted', retry: { after: COME_BACK }, cause: error })
  return error
}
