/** An attribute's key as text and as bytes, so that a look-up compares bytes. */
export interface Key {
  readonly text: string
  readonly bytes: Buffer
}

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
  const key = { text, bytes }
  remembered.set(text, key)
  return key
}
