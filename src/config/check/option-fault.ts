import type { OptionFault } from '../../component/definition.ts'
import { error } from '../fault.ts'
import type { Fault } from '../fault.ts'
import { placeOf } from '../node.ts'
import type { Node } from '../node.ts'
import type { Place } from '../place.ts'

/** A component's own fault with its place; `key` is that of the component. Values that came from `${…}` are taken out of its sentences. */
export function located({ path: steps, message, hint }: OptionFault, path: string, body: Node, key: Place): Fault {
  const values = referredValues(body)
  const place = steps.length === 0 ? key : placeOf(body, steps)
  return error({
    code: 'invalid_value',
    path: [path, ...steps].join('::'),
    place,
    message: masked(message, values),
    hint: hint === undefined ? undefined : masked(hint, values),
  })
}

/** Shorter values are masked in quotes only: "1" may well be a word of the sentence itself. */
const LEAST_UNQUOTED = 4

function masked(text: string, values: ReadonlyMap<string, string>): string {
  let result = text
  for (const [value, reference] of values) {
    for (const quote of ['"', "'", '`'])
      result = result.replaceAll(quote + value + quote, () => quote + reference + quote)
    if (value.length >= LEAST_UNQUOTED) result = result.replaceAll(value, () => reference)
  }
  return result
}

/** Values that came from references, with what stands in the file for them; longest first. */
function referredValues(node: Node): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const visit = (each: Node): void => {
    if (each.kind === 'list') each.items.forEach(visit)
    if (each.kind === 'map') for (const item of each.entries.values()) visit(item.node)
    const { reference } = each.place
    if (reference === undefined) return
    if (each.text) found.set(each.text, reference)
    if (each.kind === 'scalar' && each.value !== null && each.value !== '') found.set(String(each.value), reference)
  }
  visit(node)
  return new Map([...found].sort(([left], [right]) => right.length - left.length))
}
