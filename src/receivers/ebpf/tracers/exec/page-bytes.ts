import { readFileSync } from 'node:fs'

/** Of the kernel's auxiliary vector (getauxval(3)): pairs of a type and a value. */
const AT_PAGESZ = 6n

let known: number | undefined

/** Bytes of a page: 4 KiB, or 16 or 64 on some arm64 kernels. Where the kernel does not say, 4 KiB. */
export function pageBytes(): number {
  return (known ??= find(readFileSync('/proc/self/auxv')) ?? 4096)
}

function find(vector: Buffer): number | undefined {
  for (let at = 0; at + 16 <= vector.length; at += 16)
    if (vector.readBigUInt64LE(at) === AT_PAGESZ) return Number(vector.readBigUInt64LE(at + 8))
  return undefined
}
