import { hash } from 'node:crypto'
import * as kinds from '../wire/place.ts'
import type { Place } from '../wire/place.ts'
import { isNumber, readNumber, readText, readValue } from '../wire/read-value.ts'
import { writeDouble, writeFixed64 } from '../wire/write.ts'

/** The lower-case hex digest of what stands at `place`; the empty string for what has no bytes to hash. */
export function digestOf(buffer: Buffer, place: Place, algorithm: 'sha1' | 'sha256'): string {
  const bytes = scalarBytes(buffer, place)
  return bytes === undefined ? '' : hash(algorithm, bytes, 'hex')
}

/** A string's UTF-8, a number's 8 bytes little-endian, a bool's one byte; undefined for other values. */
export function scalarBytes(buffer: Buffer, place: Place): Buffer | undefined {
  const { kind, start, end } = place
  if (kind === kinds.STRING) return buffer.subarray(start, end)
  if (kind === kinds.IDENTIFIER || kind === kinds.NAME) return Buffer.from(readText(buffer, place))
  if (kind === kinds.BOOL) return Buffer.from([readValue(buffer, place) === true ? 1 : 0])
  if (!isNumber(kind)) return undefined
  const bytes = Buffer.alloc(8)
  const number = readNumber(buffer, place)
  if (kind === kinds.DOUBLE) writeDouble(bytes, 0, number as number)
  else writeFixed64(bytes, 0, BigInt(number))
  return bytes
}
