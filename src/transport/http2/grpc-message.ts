/** What gRPC writes into HTTP/2 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */

/** Before a message: whether it is compressed, and its length in four bytes. */
export const MESSAGE_PREFIX = 5

/** A message's text for the header `grpc-message`: UTF-8, percent-encoded but for printable ASCII. */
export function encodeGrpcMessage(text: string): string {
  if (PLAIN.test(text)) return text
  let encoded = ''
  for (const byte of Buffer.from(text.toWellFormed(), 'utf8'))
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== PERCENT
        ? String.fromCharCode(byte)
        : `%${HEX[byte >>> 4]!}${HEX[byte & 15]!}`
  return encoded
}

/** And back. What is no encoding stands for itself: a peer that sends something else is shown as it is. */
export function decodeGrpcMessage(encoded: string): string {
  if (!encoded.includes('%')) return encoded
  const bytes: number[] = []
  for (let at = 0; at < encoded.length; at++) {
    const isEncoded = encoded.charCodeAt(at) === PERCENT && TWO_DIGITS.test(encoded.slice(at + 1, at + 3))
    bytes.push(isEncoded ? Number.parseInt(encoded.slice(at + 1, at + 3), 16) : encoded.charCodeAt(at))
    if (isEncoded) at += 2
  }
  return Buffer.from(bytes).toString('utf8')
}

const PLAIN = /^[ -$&-~]*$/
const TWO_DIGITS = /^[0-9a-fA-F]{2}$/
const PERCENT = 0x25
const HEX = '0123456789ABCDEF'

/** What `grpc-timeout` says in milliseconds; undefined where it says nothing that is one. */
export function parseTimeout(text: string): number | undefined {
  const unit = UNITS[text.charAt(text.length - 1)]
  const digits = text.slice(0, -1)
  return unit === undefined || !DIGITS.test(digits) ? undefined : Number(digits) * unit
}

/** Milliseconds as `grpc-timeout` has them, which takes eight digits; never less than is meant. */
export function formatTimeout(timeout: number): string {
  if (timeout < MOST_DIGITS) return `${Math.ceil(timeout)}m`
  if (timeout / 1000 < MOST_DIGITS) return `${Math.ceil(timeout / 1000)}S`
  return `${Math.min(MOST_DIGITS, Math.ceil(timeout / 3_600_000))}H`
}

const DIGITS = /^[0-9]{1,8}$/
const MOST_DIGITS = 99_999_999
const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }
