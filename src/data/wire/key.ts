/** An attribute's key as text and as bytes, so that a look-up compares bytes. */
export interface Key {
  readonly text: string
  readonly bytes: Buffer
  /** One bit: what has none of these bits set has no such key. */
  readonly mark: number
}

/** Any key may be there. */
export const ANY_KEY = -1
/** How many keys are told apart at first sight. */
export const SLOTS = 256

/** Keys often begin alike, but seldom are as long as one another and end alike. */
export const slotOf = (length: number, last: number): number => ((length << 3) ^ last) & (SLOTS - 1)

/** The mark of the keys that have this slot. */
export const markOf = (slot: number): number => 1 << (slot & 31)

/** Keys that were asked for by text are remembered up to this many, and then forgotten all at once. */
const MOST_REMEMBERED = 4096
const remembered = new Map<string, Key>()

export function keyOf(text: string): Key {
  const known = remembered.get(text)
  if (known !== undefined) return known
  if (remembered.size === MOST_REMEMBERED) remembered.clear()
  // Of the same class and kind of memory as the arena's buffer, so that comparing them stays monomorphic.
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  const key = { text, bytes, mark: markOf(slotOf(bytes.length, bytes.at(-1) ?? 0)) }
  remembered.set(text, key)
  return key
}
