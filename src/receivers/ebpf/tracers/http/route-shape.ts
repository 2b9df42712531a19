/** Longer segments are nobody's name for a place. */
const NAME_CHARACTERS_MOST = 40
/** From so many hexadecimal digits on, with a number among them, it is a hash or an id. */
const HASH_DIGITS_LEAST = 8
/** From so many letters and digits on, mixed as base64 mixes them, it is a token. */
const TOKEN_CHARACTERS_LEAST = 20

export const PLACEHOLDER = '{id}'

/**
 * A segment of a path as it stands in a route: itself, or a placeholder where it looks like an id: digits, a UUID, hexadecimal, a token, an address. A
 * file keeps its ending: `{id}.js`.
 */
export function shapeOf(segment: string): string {
  if (segment === '') return segment
  if (isIdentifier(segment)) return PLACEHOLDER
  const dot = segment.lastIndexOf('.')
  if (dot <= 0 || segment.length - dot > ENDING_MOST) return segment
  const name = segment.slice(0, dot)
  return isIdentifier(name) || name.split(/[.\-_]/, PIECES_MOST).some(isHash)
    ? PLACEHOLDER + segment.slice(dot)
    : segment
}

/** `.json`, `.webmanifest`. */
const ENDING_MOST = 12
/** Pieces of a file's name that are looked at. */
const PIECES_MOST = 8

function isIdentifier(text: string): boolean {
  if (text.length > NAME_CHARACTERS_MOST || text.includes('@') || text.includes('%')) return true
  const kinds = kindsOf(text)
  if (kinds.others > 0) return false
  if (kinds.digits === 0)
    return kinds.uppers > 0 && kinds.lowers > 0 && text.length >= TOKEN_CHARACTERS_LEAST && !isWords(text)
  // Digits with what groups them: 42, 2024-01-31, 10.5, +49.
  if (kinds.digits + kinds.dashes === text.length) return true
  if (isHash(text.replaceAll('-', ''))) return true
  return text.length >= TOKEN_CHARACTERS_LEAST && kinds.digits >= 2
}

/** Hexadecimal, with a digit in it: `deadbeef` is as likely a word. */
function isHash(text: string): boolean {
  return text.length >= HASH_DIGITS_LEAST && /^[0-9a-fA-F]+$/.test(text) && /[0-9]/.test(text)
}

/** Words written together (`listAllOrganisationMembers`) have few capitals, each with a word behind it. */
const isWords = (text: string): boolean => /^[A-Z]?[a-z]+(?:[A-Z]{1,4}[a-z]{2,})*$/.test(text)

interface Kinds {
  digits: number
  lowers: number
  uppers: number
  dashes: number
  others: number
}

function kindsOf(text: string): Kinds {
  const kinds = { digits: 0, lowers: 0, uppers: 0, dashes: 0, others: 0 }
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code >= 0x30 && code <= 0x39) kinds.digits++
    else if (code >= 0x61 && code <= 0x7a) kinds.lowers++
    else if (code >= 0x41 && code <= 0x5a) kinds.uppers++
    else if (code === 0x2d || code === 0x5f || code === 0x3d || code === 0x2b || code === 0x2e) kinds.dashes++
    else kinds.others++
  }
  return kinds
}
