/** What JSON is made of, as bytes. */
export const QUOTE = 0x22
export const BACKSLASH = 0x5c
export const COMMA = 0x2c
export const COLON = 0x3a
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d
export const OPEN_BRACKET = 0x5b
export const CLOSE_BRACKET = 0x5d
export const MINUS = 0x2d
export const PLUS = 0x2b
export const POINT = 0x2e
export const ZERO = 0x30
export const NINE = 0x39
export const SPACE = 0x20
/** What comes before a space is a control character, which stands in no string. */
export const SMALL_E = 0x65
export const LARGE_E = 0x45
export const SMALL_N = 0x6e
export const SMALL_T = 0x74
export const SMALL_F = 0x66
export const SMALL_U = 0x75

/** The first place at or after `at` that is no white space. A place past the end of `json` is none. */
export function pastSpace(json: Buffer, at: number): number {
  let byte = json[at]
  while (byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = json[++at]
  return at
}

export const TRUE = Buffer.from('true')
export const FALSE = Buffer.from('false')
export const NULL = Buffer.from('null')

/** Whether `word` stands at `at`. */
export function stands(word: Buffer, json: Buffer, at: number): boolean {
  for (let index = 0; index < word.length; index++) if (json[at + index] !== word[index]) return false
  return true
}

/** What a hexadecimal digit means, by its byte; 255 where it is none. */
export const HEXADECIMAL = new Uint8Array(256).fill(255)
for (const [index, digit] of Array.from('0123456789abcdef').entries()) {
  HEXADECIMAL[digit.charCodeAt(0)] = index
  HEXADECIMAL[digit.toUpperCase().charCodeAt(0)] = index
}
