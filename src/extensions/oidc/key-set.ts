import { createPublicKey } from 'node:crypto'
import { createLocalJWKSet } from 'jose'
import type { JWK, LocalJWKSet } from 'jose'

/** Keys that an issuer may have at the same time; a few is usual. */
const MOST_KEYS = 100
/** RFC 7518, 3.3. */
const LEAST_RSA_BITS = 2048

export interface KeySet {
  /** What it was made from. */
  readonly text: string
  readonly find: LocalJWKSet
  /** Keys that were left out: of other kinds, for encryption, too weak or broken. */
  readonly unusable: number
}

/** The public keys of a JWK Set (RFC 7517, 5) that signatures are checked by. Throws where there is none. */
export function keySetOf(text: string): KeySet {
  const keys = keysOf(text)
  if (keys.length > MOST_KEYS) throw new Error(`it has more than ${MOST_KEYS} keys`)
  const usable = keys.flatMap((each) => publicPart(each) ?? [])
  if (usable.length === 0)
    throw new Error('file contains no supported keys (supported types are RSA, ECDSA, and ED25519)')
  return { text, find: createLocalJWKSet({ keys: usable }), unusable: keys.length - usable.length }
}

function keysOf(text: string): readonly unknown[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    // The parser's own message quotes the text.
    throw new Error('it is not JSON')
  }
  const { keys } = (parsed ?? {}) as { keys?: unknown }
  if (!Array.isArray(keys)) throw new Error('it is not a JWK Set: it has no list of keys')
  return keys
}

/** Undefined where no signature can be checked by it. What is private in it, or secret, is left behind. */
function publicPart(key: unknown): JWK | undefined {
  if (typeof key !== 'object' || key === null) return undefined
  const { kty, kid, use, alg, key_ops, crv, x, y, n, e } = key as JWK
  if (kty === undefined || !KINDS.has(kty) || (use !== undefined && use !== 'sig')) return undefined
  const members = { kty, kid, use, alg, key_ops, crv, x, y, n, e }
  const part = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JWK
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: part, format: 'jwk' })
    const bits = asymmetricKeyDetails?.modulusLength ?? LEAST_RSA_BITS
    return bits < LEAST_RSA_BITS ? undefined : part
  } catch {
    // Broken: counted as unusable.
    return undefined
  }
}

const KINDS = new Set(['RSA', 'EC', 'OKP'])
