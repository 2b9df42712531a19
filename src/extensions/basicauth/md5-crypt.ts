import { createHash } from 'node:crypto'
import { encode } from './crypt-text.ts'

/** The longest salt that counts. */
const SALT_LENGTH = 8
const ROUNDS = 1000

/** Poul-Henning Kamp's MD5 crypt, as FreeBSD (`$1$`) and Apache (`$apr1$`) have it. Returns what stands after the salt. */
export function md5Crypt(password: string, salt: string, prefix: string): string {
  const secret = Buffer.from(password)
  const seasoning = Buffer.from(salt).subarray(0, SALT_LENGTH)
  const mixed = md5(secret, seasoning, secret)
  const first: Buffer[] = [secret, Buffer.from(prefix), seasoning]
  for (let left = secret.length; left > 0; left -= mixed.length) first.push(mixed.subarray(0, left))
  for (let left = secret.length; left > 0; left >>= 1) first.push(left & 1 ? NOUGHT : secret.subarray(0, 1))
  let sum = md5(...first)
  for (let round = 0; round < ROUNDS; round++) {
    const parts: Buffer[] = [round & 1 ? secret : sum]
    if (round % 3 !== 0) parts.push(seasoning)
    if (round % 7 !== 0) parts.push(secret)
    parts.push(round & 1 ? sum : secret)
    sum = md5(...parts)
  }
  return encode(sum, ORDER)
}

const NOUGHT = Buffer.of(0)

/** The bytes of the sum that each four characters stand for, highest first. */
const ORDER = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5], [11]]

function md5(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
