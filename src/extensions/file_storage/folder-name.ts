import { createHash } from 'node:crypto'

/** File systems take 255 bytes, and the names of the files are added to some. */
const MAX_NAME = 180

/** The name of a queue or a value as that of one file: letters, digits, `_` and `-` stay, no path comes out of it, and no two names meet. */
export function folderName(name: string): string {
  const safe = [...Buffer.from(name)]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      return /[A-Za-z0-9_-]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`
    })
    .join('')
  if (safe.length <= MAX_NAME && safe !== '') return safe
  return `${safe.slice(0, MAX_NAME - 65)}~${createHash('sha256').update(name).digest('hex')}`
}
