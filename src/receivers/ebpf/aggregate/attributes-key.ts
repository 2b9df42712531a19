import type { Attributes } from '../../../plugin.ts'

/** Attributes as one text: the same for the same keys with the same values in the same order. */
export function attributesKey(attributes: Attributes): string {
  let key = ''
  for (const name in attributes) key += entry(name, attributes[name])
  return key
}

/** The same, whatever their order. */
export function sortedKey(attributes: Attributes): string {
  let key = ''
  for (const name of Object.keys(attributes).sort()) key += entry(name, attributes[name])
  return key
}

/** What stands between texts in a key; a text that has it too makes two series one at worst. */
const END = '\u0000'

function entry(name: string, value: Attributes[string]): string {
  switch (typeof value) {
    case 'undefined':
      return ''
    case 'string':
      return `${name}=${value}${END}`
    case 'object':
      return `${name}:${JSON.stringify(value)}${END}`
    default:
      // A number is another value than its text.
      return `${name}:${value}${END}`
  }
}
