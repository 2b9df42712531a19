import { crc32 } from 'node:zlib'

/** CRC-32 (ISO-HDLC) over a row of buffers, as one; `seed` makes it another for each place. docs/adr/0015 says why it is not CRC-32C. */
export function checksumOf(row: readonly Uint8Array[], seed = 0): number {
  let sum = seed
  for (const each of row) sum = crc32(each, sum)
  return sum
}
