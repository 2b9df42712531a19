import type { SendResult } from '../component/definition.ts'
import { Malformed } from '../data/wire/malformed.ts'
import { LENGTH, readInt64, VARINT } from '../data/wire/varint.ts'
import { fieldsOf } from './rpc-status.ts'

const PARTIAL_SUCCESS = 1
const REJECTED = 1
const ERROR_MESSAGE = 2

/**
 * What an `Export…ServiceResponse` says of records that were not kept: field 1 of every signal's response is its partial
 * success, with the number rejected in field 1 and the reason in field 2. A response that cannot be read counts as none,
 * because the request was taken. A reason without rejected records is a warning, and reported with 0.
 */
export function partialSuccess(response: Buffer): SendResult | undefined {
  try {
    return read(response)
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

function read(response: Buffer): SendResult | undefined {
  let rejected = 0
  let reason = ''
  for (const outer of fieldsOf(response)) {
    if (outer.number !== PARTIAL_SUCCESS || outer.wireType !== LENGTH) continue
    const inner = response.subarray(outer.start, outer.end)
    for (const field of fieldsOf(inner)) {
      if (field.number === REJECTED && field.wireType === VARINT) {
        rejected = Math.max(0, Number(readInt64(inner, field.start, field.end)))
      } else if (field.number === ERROR_MESSAGE && field.wireType === LENGTH) {
        reason = inner.toString('utf8', field.start, field.end)
      }
    }
  }
  return rejected > 0 || reason !== '' ? { rejected, reason } : undefined
}
