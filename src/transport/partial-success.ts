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
  if (response.length === 0) return undefined
  try {
    return read(response)
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

/** Names of the number rejected, one for each signal, in lowerCamelCase or as in the `.proto` files. */
const REJECTED_NAME = /^rejected(?:Spans|DataPoints|LogRecords|Profiles|_spans|_data_points|_log_records|_profiles)$/

/** The same of a response in JSON. */
export function partialSuccessJson(response: string): SendResult | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(response)
  } catch {
    // As with bytes that cannot be read: the request was taken.
    return undefined
  }
  const answer = (parsed ?? {}) as Record<string, unknown>
  const partial = (answer['partialSuccess'] ?? answer['partial_success'] ?? {}) as Record<string, unknown>
  const told = partial['errorMessage'] ?? partial['error_message']
  const reason = typeof told === 'string' ? told : ''
  const number = Number(Object.entries(partial).find(([name]) => REJECTED_NAME.test(name))?.[1] ?? 0)
  const rejected = Number.isSafeInteger(number) ? Math.max(0, number) : 0
  return rejected > 0 || reason !== '' ? { rejected, reason } : undefined
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
