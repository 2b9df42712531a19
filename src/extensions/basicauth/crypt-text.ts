const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The text form of crypt(3): each group of bytes, highest first, as characters of six bits, lowest first. */
export function encode(bytes: Buffer, groups: readonly (readonly number[])[]): string {
  let text = ''
  for (const group of groups) {
    let value = 0
    for (const index of group) value = value * 256 + bytes[index]!
    for (let at = 0; at < CHARACTERS[group.length]!; at++, value = Math.floor(value / 64)) text += ALPHABET[value % 64]
  }
  return text
}

/** By the number of bytes. */
const CHARACTERS = [0, 2, 3, 4]
