/** RFC 9110 and RFC 5789, as the semantic conventions know them; anything else is `_OTHER`. */
export const OTHER_METHOD = '_OTHER'
/** So long a word may be to be taken for a method. */
export const METHOD_BYTES_MOST = 24

const SPACE = 0x20

const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT', 'TRACE'] as const

/** By the first byte and the length: no two have both in common. */
const TABLE: (string | undefined)[] = []
const place = (first: number, length: number): number => (first & 0x1f) * 8 + length
for (const method of METHODS) TABLE[place(method.charCodeAt(0), method.length)] = method
for (let index = 0; index < 256; index++) TABLE[index] ??= undefined

/** The method between `from` and `to`, the same string each time; undefined where it is another. */
export function knownMethod(bytes: Buffer, from: number, to: number): string | undefined {
  const length = to - from
  if (length > 7) return
  const method = TABLE[place(bytes[from]!, length)]
  if (method === undefined) return
  for (let index = 0; index < length; index++) if (bytes[from + index] !== method.charCodeAt(index)) return
  return method
}

/** Where the first word ends; -1 where it is too long for a method or has what no method has; `to` where it may go on. */
export function methodEnd(bytes: Buffer, from: number, to: number): number {
  const limit = Math.min(to, from + METHOD_BYTES_MOST)
  let at = from
  while (at < limit && isToken(bytes[at]!)) at++
  if (at === to) return at
  return at > from && bytes[at] === SPACE ? at : -1
}

/** Methods are upper-case in all that is really sent; a word in lower case is more likely the middle of something. */
const isToken = (byte: number): boolean => (byte >= 0x41 && byte <= 0x5a) || byte === 0x2d || byte === 0x5f
