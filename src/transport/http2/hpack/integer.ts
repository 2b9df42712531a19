/** What `writeInteger` takes at most. */
export const LARGEST_INTEGER_OCTETS = 6

/** Writes an integer (RFC 7541, 5.1) whose first octet has `prefix` bits for it and begins with `head`. Returns where it ends. */
export function writeInteger(target: Buffer, at: number, head: number, prefix: number, value: number): number {
  const most = (1 << prefix) - 1
  if (value < most) {
    target[at] = head | value
    return at + 1
  }
  target[at++] = head | most
  let rest = value - most
  for (; rest >= 0x80; rest >>>= 7) target[at++] = (rest & 0x7f) | 0x80
  target[at] = rest
  return at + 1
}
