import { createHash, timingSafeEqual } from 'node:crypto'
import { md5Crypt } from './md5-crypt.ts'
import { shaCrypt, USUAL_ROUNDS } from './sha-crypt.ts'

/** Whether a password is the one of an entry. */
export type Match = (password: string) => boolean | Promise<boolean>

export interface Htpasswd {
  readonly entries: ReadonlyMap<string, Match>
  /** For users without an entry: never true, after the work of the costliest entry, so that the time does not tell who is there. */
  readonly stranger: Match
  /** Lines that are no entries, without what they say. */
  readonly faults: readonly { readonly line: number; readonly reason: string }[]
}

/** How an encoding is read, with what a password costs it: in rounds of SHA-crypt, roughly. */
interface Reading {
  readonly matches: Match
  readonly cost: number
}

/** A user's password costs up to this many rounds of SHA-crypt; an entry that wants more would hold everybody up. */
const MOST_ROUNDS = 1_000_000
/** The same for bcrypt, whose rounds are two to the power of this. */
const MOST_COST = 16
const ONE_HASH = 1
const MD5_ROUNDS = 1000
/** As measured: bcrypt is JavaScript, and its rounds are long. */
const BCRYPT_ROUND = 25
/**
 * Bytes of a password for MD5 and SHA-crypt, as `crypt(3)` takes them: they hash it thousands of times, and whoever guesses with
 * one of many kilobytes would stop everything for seconds.
 */
const LONGEST_PASSWORD = 512

/** Reads Apache's password files: bcrypt, MD5 (`$apr1$`, `$1$`), SHA-1, salted SHA-1, SHA-crypt, plain. Of two entries for a user the last counts. */
export function readHtpasswd(text: string): Htpasswd {
  const entries = new Map<string, Match>()
  const faults: { line: number; reason: string }[] = []
  let costliest: Reading = { matches: () => false, cost: 0 }
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '') continue
    const colon = line.indexOf(':')
    const read = colon < 0 ? 'it has no colon' : readingOf(line.slice(colon + 1))
    if (typeof read === 'string') {
      faults.push({ line: index + 1, reason: read })
      continue
    }
    entries.set(line.slice(0, colon), read.matches)
    if (read.cost > costliest.cost) costliest = read
  }
  const { matches } = costliest
  return { entries, faults, stranger: async (password) => (await matches(password)) && false }
}

/** A sentence where the encoding is broken. Whatever has no mark of an encoding is a plain password. */
function readingOf(encoded: string): Reading | string {
  if (encoded === '') return 'it has no password'
  if (/^\$2[abxy]\$/.test(encoded)) return bcrypt(encoded)
  if (/^\$(apr1|1)\$/.test(encoded)) return md5(encoded)
  if (/^\$[56]\$/.test(encoded)) return sha(encoded)
  if (encoded.startsWith('{SHA}')) return sha1(encoded.slice('{SHA}'.length), 'SHA')
  if (encoded.startsWith('{SSHA}')) return sha1(encoded.slice('{SSHA}'.length), 'SSHA')
  return { matches: (password) => same(password, encoded) || same(`{PLAIN}${password}`, encoded), cost: ONE_HASH }
}

function bcrypt(encoded: string): Reading | string {
  if (!/^\$2.\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/.test(encoded)) return 'it is not valid bcrypt'
  const cost = Number(encoded.slice(4, 6))
  if (cost > MOST_COST) return `it asks for a cost of more than ${MOST_COST}`
  // The letters tell of errors in old programs that wrote them; what they stand for today is the same.
  const hash = `$2b${encoded.slice(3)}`
  const match: Match = async (password) => (await import('bcryptjs')).default.compare(password, hash)
  return { matches: match, cost: BCRYPT_ROUND * 2 ** cost }
}

function md5(encoded: string): Reading | string {
  const [, prefix, salt, hash] = /^(\$(?:apr1|1)\$)([^$]*)\$(.*)$/.exec(encoded) ?? []
  if (prefix === undefined || salt === undefined || hash === undefined) return 'it is not a valid MD5 entry'
  return { matches: (password) => isShort(password) && same(md5Crypt(password, salt, prefix), hash), cost: MD5_ROUNDS }
}

function sha(encoded: string): Reading | string {
  const parts = /^\$([56])\$(?:rounds=(\d+)\$)?([^$]*)\$(.*)$/.exec(encoded)
  if (!parts) return 'it is not a valid SHA-crypt entry'
  const [, kind, rounds, salt = '', hash = ''] = parts
  const cost = rounds === undefined ? USUAL_ROUNDS : Number(rounds)
  if (cost > MOST_ROUNDS) return `it asks for more than ${MOST_ROUNDS} rounds`
  const algorithm = kind === '5' ? 'sha256' : 'sha512'
  return { matches: (password) => isShort(password) && same(shaCrypt(algorithm, password, salt, cost), hash), cost }
}

const isShort = (password: string): boolean => Buffer.byteLength(password) <= LONGEST_PASSWORD

const SHA1_BYTES = 20

function sha1(base64: string, name: 'SHA' | 'SSHA'): Reading | string {
  const bytes = Buffer.from(base64, 'base64')
  const isWhole = name === 'SHA' ? bytes.length === SHA1_BYTES : bytes.length >= SHA1_BYTES
  if (!isWhole || bytes.toString('base64') !== base64) return `it is not valid ${name}`
  const hash = bytes.subarray(0, SHA1_BYTES)
  const salt = bytes.subarray(SHA1_BYTES)
  const match = (password: string) => timingSafeEqual(createHash('sha1').update(password).update(salt).digest(), hash)
  return { matches: match, cost: ONE_HASH }
}

/** In a time that tells nothing of where they differ. */
const same = (left: string, right: string): boolean => timingSafeEqual(digestOf(left), digestOf(right))
const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()
