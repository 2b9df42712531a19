import { mapping } from './node.ts'
import type { Item, Mapping } from './node.ts'

/**
 * Lays `over` on `under`, as the Collector merges its sources: mappings join key by key, anything else replaces. A key
 * without a value replaces too: a bare `processors:` in the second file removes those of the first.
 */
export function merge(under: Mapping, over: Mapping): Mapping {
  const entries = new Map(under.entries)
  for (const [key, item] of over.entries) entries.set(key, joined(entries.get(key), item))
  return mapping(entries, under.place)
}

/** `exporters::debug::verbosity: basic` means a mapping inside a mapping inside a mapping, in any source. */
export function splitKeys(tree: Mapping): Mapping {
  let result = mapping([], tree.place)
  for (const [key, item] of tree.entries) {
    const node = item.node.kind === 'map' ? splitKeys(item.node) : item.node
    result = merge(result, nested(key.split('::'), { key: item.key, node }))
  }
  return result.entries.size === tree.entries.size ? { ...tree, entries: result.entries } : result
}

/** `item` under a row of keys. */
export function nested(keys: readonly string[], item: Item): Mapping {
  const [key = '', ...rest] = keys
  if (rest.length === 0) return mapping([[key, item]], item.key)
  return mapping([[key, { key: item.key, node: nested(rest, item) }]], item.key)
}

function joined(under: Item | undefined, over: Item): Item {
  if (under?.node.kind !== 'map' || over.node.kind !== 'map') return over
  return { key: under.key, node: merge(under.node, over.node) }
}
