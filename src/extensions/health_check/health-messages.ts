/** Messages of grpc.health.v1 (https://github.com/grpc/grpc/blob/master/src/proto/grpc/health/v1/health.proto). */

export const CHECK = '/grpc.health.v1.Health/Check'
export const WATCH = '/grpc.health.v1.Health/Watch'

export const SERVING = 1
export const NOT_SERVING = 2
export const SERVICE_UNKNOWN = 3
export type ServingStatus = typeof SERVING | typeof NOT_SERVING | typeof SERVICE_UNKNOWN

const LENGTH_DELIMITED = 2
const SKIPPED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 }

/** HealthCheckResponse: `status` is field 1. */
export const encodeResponse = (status: ServingStatus): Buffer => Buffer.of(0x08, status)

/** HealthCheckRequest: `service` is field 1, empty where it is missing. Throws a `RangeError` where the bytes are no message. */
export function decodeRequest(message: Buffer): string {
  let at = 0
  let service = ''
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = message.readUInt8(at++)
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new RangeError('a number is too long')
  }
  const skip = (bytes: number) => {
    if (bytes > message.length - at) throw new RangeError('a field is cut off')
    at += bytes
  }
  while (at < message.length) {
    const tag = varint()
    const type = tag & 7
    if (type === LENGTH_DELIMITED) {
      const length = varint()
      const start = at
      skip(length)
      if (tag >> 3 === 1) service = message.toString('utf8', start, at)
    } else if (type === 0) varint()
    else if (SKIPPED_BYTES[type] !== undefined) skip(SKIPPED_BYTES[type])
    else throw new RangeError('a field has no type')
  }
  return service
}
