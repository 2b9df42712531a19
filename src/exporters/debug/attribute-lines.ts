import { kindAndText, objectsIn, textIn } from './text.ts'

/** The indent of attributes of what is listed itself. */
export const NESTED = '     '

/** A title and a line for each attribute; nothing where there are none. */
export function* attributeLines(title: string, attributes: unknown, indent = ''): Iterable<string> {
  const list = objectsIn(attributes)
  if (list.length === 0) return
  yield `${title}:`
  for (const { key, value } of list) yield `${indent}     -> ${textIn(key)}: ${kindAndText(value)}`
}
