import type { Node } from './node.ts'
import { placeOf } from './node.ts'

/** Takes values that came from `${…}` out of a sentence; `path` leads to the value that the sentence is about. */
export type Mask = (text: string, path?: readonly (string | number)[]) => string

/** A mask for sentences about `body`, which may quote any value in it, whole or in part. */
export function masking(body: Node): Mask {
  const values = referredValues(body)
  return (text, path) => {
    const masked = maskedValues(text, values)
    const reference = path && placeOf(body, path).reference
    return reference === undefined ? masked : maskedParts(masked, reference, values)
  }
}

/** Shorter values are masked in quotes only: "1" may well be a word of the sentence itself. */
const LEAST_UNQUOTED = 4

function maskedValues(text: string, values: ReadonlyMap<string, string>): string {
  let result = text
  for (const [value, reference] of values) {
    for (const quote of ['"', "'", '`'])
      result = result.replaceAll(quote + value + quote, () => quote + reference + quote)
    if (value.length >= LEAST_UNQUOTED) result = result.replaceAll(value, () => reference)
  }
  return result
}

/** What a sentence quotes of a value (the piece of a pattern that is wrong, the port of an address) is no less secret. */
function maskedParts(text: string, reference: string, values: ReadonlyMap<string, string>): string {
  const all = [...values.keys()]
  return text.replaceAll(/(["'`])(.+?)\1/gs, (quoted, quote: string, part: string) =>
    all.some((value) => value.includes(part)) ? quote + reference + quote : quoted,
  )
}

/** Values that came from references, with what stands in the file for them; longest first. */
function referredValues(node: Node): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const add = (value: string, reference: string): void => {
    if (value === '') return
    found.set(value, reference)
    // As messages quote it.
    found.set(JSON.stringify(value).slice(1, -1), reference)
  }
  const visit = (each: Node): void => {
    if (each.kind === 'list') each.items.forEach(visit)
    if (each.kind === 'map') for (const item of each.entries.values()) visit(item.node)
    const { reference, pasted } = each.place
    if (reference === undefined) return
    for (const [text, itself] of pasted ?? []) add(text, itself)
    if (each.text) add(each.text, reference)
    if (each.kind === 'scalar' && each.value !== null) add(String(each.value), reference)
  }
  visit(node)
  return new Map([...found].sort(([left], [right]) => right.length - left.length))
}
