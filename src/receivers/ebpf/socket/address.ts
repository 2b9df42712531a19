/** Addresses as bytes in a string (a character is a byte, network order, IPv4 in the first four), and as people write them. */

/** RFC 5952 for IPv6. */
export function addressText(bytes: string, at: number, isVersion6: boolean): string {
  return isVersion6 ? version6(bytes, at) : version4(bytes, at)
}

/** 127.0.0.0/8 or ::1, of the address at the beginning. */
export function isLoopback(bytes: string, isVersion6: boolean): boolean {
  return isVersion6 ? bytes.startsWith(LOOPBACK_6) : bytes.charCodeAt(0) === 127
}

const LOOPBACK_6 = `${'\0'.repeat(15)}\u0001`
const GROUPS = 8

const version4 = (bytes: string, at: number): string =>
  `${bytes.charCodeAt(at)}.${bytes.charCodeAt(at + 1)}.${bytes.charCodeAt(at + 2)}.${bytes.charCodeAt(at + 3)}`

function version6(bytes: string, at: number): string {
  const groups = Array.from(
    { length: GROUPS },
    (_, group) => bytes.charCodeAt(at + 2 * group) * 256 + bytes.charCodeAt(at + 2 * group + 1),
  )
  if (isMapped(groups)) return `::ffff:${version4(bytes, at + 12)}`
  const { from, length } = longestZeros(groups)
  const texts = groups.map((group) => group.toString(16))
  if (length < 2) return texts.join(':')
  return `${texts.slice(0, from).join(':')}::${texts.slice(from + length).join(':')}`
}

const isMapped = (groups: readonly number[]): boolean =>
  groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff

function longestZeros(groups: readonly number[]): { from: number; length: number } {
  let best = { from: 0, length: 0 }
  let length = 0
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0
    if (length > best.length) best = { from: index - length + 1, length }
  }
  return best
}
