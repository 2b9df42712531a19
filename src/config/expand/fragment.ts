import type { Node } from '../node.ts'
import { scalar } from '../node.ts'
import type { Place } from '../place.ts'
import type { Retrieved } from '../sources/retrieve.ts'
import { readYaml } from '../yaml/read.ts'

/** What a reference stands for. */
export interface Fragment {
  readonly value: Node
  readonly text: string
  /** True where nothing in it is to be expanded. */
  readonly raw?: boolean
}

/**
 * What a retrieved text means. A text whose YAML is a string is taken whole, quotes and comments included, and so is one
 * that is no YAML. A file that holds a mapping or a list keeps its own places, everything else has the reference's.
 */
export function fragment({ raw, ...retrieved }: Retrieved, place: Place): Fragment {
  return { ...meaning(retrieved, place), ...(raw && { raw }) }
}

function meaning({ text, file, verbatim }: Retrieved, place: Place): Fragment {
  if (verbatim) return { value: scalar(text, place), text }
  const { node, faults } = readYaml(text, file ?? place.source, file === undefined ? place : undefined)
  if (node === undefined) {
    const problem = faults[0] && `${file} is ${faults[0].message.replace(/^.*contents are /s, '')}`
    // Of a variable's text nothing may be shown, not even what the YAML library says of it.
    return { value: { ...scalar(text, place), ...(file !== undefined && problem !== undefined && { problem }) }, text }
  }
  if (node.kind !== 'scalar') return { value: node, text }
  return { value: scalar(typeof node.value === 'string' ? text : node.value, place, node.float), text }
}
