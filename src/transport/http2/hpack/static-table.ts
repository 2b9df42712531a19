import { headerField } from './header-list.ts'
import type { HeaderField } from './header-list.ts'

/** RFC 7541, Appendix A; a name stands once, with its values where it has any. */
const ENTRIES: readonly (readonly [name: string, ...values: string[]])[] = [
  [':authority'],
  [':method', 'GET', 'POST'],
  [':path', '/', '/index.html'],
  [':scheme', 'http', 'https'],
  [':status', '200', '204', '206', '304', '400', '404', '500'],
  ['accept-charset'],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language'],
  ['accept-ranges'],
  ['accept'],
  ['access-control-allow-origin'],
  ['age'],
  ['allow'],
  ['authorization'],
  ['cache-control'],
  ['content-disposition'],
  ['content-encoding'],
  ['content-language'],
  ['content-length'],
  ['content-location'],
  ['content-range'],
  ['content-type'],
  ['cookie'],
  ['date'],
  ['etag'],
  ['expect'],
  ['expires'],
  ['from'],
  ['host'],
  ['if-match'],
  ['if-modified-since'],
  ['if-none-match'],
  ['if-range'],
  ['if-unmodified-since'],
  ['last-modified'],
  ['link'],
  ['location'],
  ['max-forwards'],
  ['proxy-authenticate'],
  ['proxy-authorization'],
  ['range'],
  ['referer'],
  ['refresh'],
  ['retry-after'],
  ['server'],
  ['set-cookie'],
  ['strict-transport-security'],
  ['transfer-encoding'],
  ['user-agent'],
  ['vary'],
  ['via'],
  ['www-authenticate'],
]

/** Indices begin at 1: the first entry is a placeholder. */
export const STATIC_TABLE: readonly HeaderField[] = [
  headerField('', ''),
  ...ENTRIES.flatMap(([name, ...values]) =>
    (values.length === 0 ? [''] : values).map((value) => headerField(name, value)),
  ),
]

/** Index of the last static entry; those of the dynamic table follow. */
export const LAST_STATIC = STATIC_TABLE.length - 1

const INDEX_OF_NAME = new Map<string, number>()
const INDEX_OF_FIELD = new Map<string, number>()
for (let index = LAST_STATIC; index > 0; index--) {
  const { name, value } = STATIC_TABLE[index]!
  INDEX_OF_NAME.set(name, index)
  INDEX_OF_FIELD.set(keyOf(name, value), index)
}

/** 0: there is none. */
export const staticIndexOfName = (name: string): number => INDEX_OF_NAME.get(name) ?? 0

/** 0: there is none. */
export const staticIndexOf = (name: string, value: string): number => INDEX_OF_FIELD.get(keyOf(name, value)) ?? 0

/** One string for a field; no name holds the separator. */
export function keyOf(name: string, value: string): string {
  return `${name}\n${value}`
}
