/**
 * What a field may be to who encodes it again (RFC 7541, 6.2): `allowed` in the dynamic table; `without`, since it is another one each time; `never`,
 * by nobody on the way, since it is a secret that could be guessed from the size of what shares a table with it.
 */
export type Indexing = 'allowed' | 'without' | 'never'

/** Names and values hold one octet a character. */
export interface HeaderField {
  readonly name: string
  readonly value: string
  readonly indexing: Indexing
}

export const headerField = (name: string, value: string, indexing: Indexing = 'allowed'): HeaderField => ({
  name,
  value,
  indexing,
})

/** What a field counts beyond its octets, in a table (RFC 7541, 4.1) and in a list (RFC 9113, 6.5.2). */
const FIELD_OVERHEAD = 32

export const sizeOfField = (name: string, value: string): number => name.length + value.length + FIELD_OVERHEAD

/** A header block, decoded. The same one may come for equal blocks: what a user found out about it can be kept in `cached`. */
export class HeaderList {
  /** In the order of the wire. Fields of the dynamic table are the same objects in all lists. Not judged by the rules of HTTP/2. */
  readonly fields: readonly HeaderField[]
  /** Whether there was more than the limit; then some fields are missing. */
  readonly isTooLarge: boolean
  /** The user's own. */
  cached: unknown = undefined

  constructor(fields: readonly HeaderField[], isTooLarge: boolean) {
    this.fields = fields
    this.isTooLarge = isTooLarge
  }
}
