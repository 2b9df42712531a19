/**
 * What a plain YAML scalar means, by the rules of the library that the Collector reads its files with (go.yaml.in/yaml/v3
 * decoding into `any`): YAML 1.2's booleans, but `0123` is octal and digits may be grouped with `_`.
 */
export function resolvePlain(text: string): string | number | bigint | boolean | null {
  const word = WORDS.get(text)
  if (word !== undefined) return word
  if (!/^[-+.0-9]/.test(text)) return text
  return number(text.replaceAll('_', '')) ?? text
}

const WORDS = new Map<string, number | boolean | null>([
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, Number.NaN] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, Infinity] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, -Infinity] as const),
])

const INTEGER = /^([-+]?)(?:0b([01]+)|0o?([0-7]+)|0x([0-9a-f]+)|([1-9][0-9]*|0))$/i
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)(e[-+]?[0-9]+)?$/i

function number(text: string): number | bigint | undefined {
  const integer = INTEGER.exec(text)
  if (integer === null) return float(text)
  const [, sign, binary, octal, hex, decimal = ''] = integer
  const size = BigInt(binary ? `0b${binary}` : octal ? `0o${octal}` : hex ? `0x${hex}` : decimal)
  const value = sign === '-' ? -size : size
  if (value > MAX_INTEGER || value < MIN_INTEGER) return float(text)
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

/** Whether what a plain scalar means is a float, whole or not: `1.0`, `1e3`. It is told from an integer by how it is written. */
export const isFloat = (text: string, meant: unknown): boolean =>
  typeof meant === 'number' && !(Number.isSafeInteger(meant) && INTEGER.test(text.replaceAll('_', '')))

/** Beyond 64 bits an integer is read as a decimal float, octal or not; one with a letter in front is text then. */
const MAX_INTEGER = 2n ** 64n - 1n
const MIN_INTEGER = -(2n ** 63n)

/** Text where it is none, or larger than any float. */
function float(text: string): number | undefined {
  const value = FLOAT.test(text) ? Number(text) : undefined
  return value === undefined || Number.isFinite(value) ? value : undefined
}
