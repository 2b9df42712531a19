import { createHash } from 'node:crypto'
import { encode } from './crypt-text.ts'

const SALT_LENGTH = 16
/** Where an entry names none. */
export const USUAL_ROUNDS = 5000
const LEAST_ROUNDS = 1000

/** Ulrich Drepper's SHA-crypt (https://www.akkadia.org/drepper/SHA-crypt.txt). Returns what stands after the salt. */
export function shaCrypt(
  algorithm: 'sha256' | 'sha512',
  password: string,
  salt: string,
  rounds = USUAL_ROUNDS,
): string {
  const hash = (parts: readonly Buffer[]): Buffer => {
    const sum = createHash(algorithm)
    for (const part of parts) sum.update(part)
    return sum.digest()
  }
  const secret = Buffer.from(password)
  const seasoning = Buffer.from(salt).subarray(0, SALT_LENGTH)
  const mixed = hash([secret, seasoning, secret])
  const first = [secret, seasoning, stretched(mixed, secret.length)]
  for (let left = secret.length; left > 0; left >>= 1) first.push(left & 1 ? mixed : secret)
  let sum = hash(first)
  const p = stretched(hash(Array.from({ length: secret.length }, () => secret)), secret.length)
  const s = stretched(hash(Array.from({ length: 16 + sum[0]! }, () => seasoning)), seasoning.length)
  for (let round = 0; round < Math.max(rounds, LEAST_ROUNDS); round++) {
    const parts = [round & 1 ? p : sum]
    if (round % 3 !== 0) parts.push(s)
    if (round % 7 !== 0) parts.push(p)
    parts.push(round & 1 ? sum : p)
    sum = hash(parts)
  }
  return encode(sum, algorithm === 'sha256' ? ORDER_256 : ORDER_512)
}

/** `bytes` over and over, to `length`. */
const stretched = (bytes: Buffer, length: number): Buffer => Buffer.alloc(length, bytes)

/** Three bytes a third apart, each time turned by one. */
const turned = (groups: number, turn: (group: number) => number[]): number[][] =>
  Array.from({ length: groups }, (_, group) => turn(group))

const ORDER_256 = [...turned(10, (group) => rotate([group, group + 10, group + 20], 2 * group)), [31, 30]]
const ORDER_512 = [...turned(21, (group) => rotate([group, group + 21, group + 42], group)), [63]]

function rotate(list: readonly number[], by: number): number[] {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}
