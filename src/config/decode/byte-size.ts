const POWERS = new Map([
  ['', 0],
  ['k', 1],
  ['m', 2],
  ['g', 3],
  ['t', 4],
  ['p', 5],
])

/** Bytes of `1500`, `16KiB`, `1.5MB`, in any case: k, M, G, T are powers of 1000, with an `i` of 1024. Undefined where it is no size. */
export function byteSize(text: string): number | undefined {
  const match = /^\s*([0-9][0-9_]*(?:\.[0-9]+)?)\s*(?:([kmgtp]?)(i?)b?)\s*$/i.exec(text)
  if (match === null) return undefined
  const [, digits = '', prefix = '', binary = ''] = match
  const power = POWERS.get(prefix.toLowerCase())
  if (power === undefined || (binary !== '' && power === 0)) return undefined
  const bytes = Math.round(Number(digits.replaceAll('_', '')) * (binary === '' ? 1000 : 1024) ** power)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
