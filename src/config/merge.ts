import { error, FaultError } from './fault.ts'
import { mapping } from './node.ts'
import type { Item, Mapping } from './node.ts'
import { MAX_DEPTH } from './yaml/tree.ts'

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
export function splitKeys(tree: Mapping, depth = 0): Mapping {
  let result = mapping([], tree.place)
  for (const [key, item] of tree.entries) {
    const keys = key.split('::')
    const node = item.node.kind === 'map' ? splitKeys(item.node, depth + keys.length) : item.node
    result = merge(result, nested(keys, { key: item.key, node }, depth))
  }
  return result.entries.size === tree.entries.size ? { ...tree, entries: result.entries } : result
}

/** `item` under a row of keys, itself so many levels down. Throws a `FaultError` where that is too deep. */
export function nested(keys: readonly string[], item: Item, depth = 0): Mapping {
  if (depth + keys.length > MAX_DEPTH) {
    const message = `more than ${MAX_DEPTH} levels deep, each :: counted`
    throw new FaultError(error({ code: 'too_deep', message, path: '', place: item.key }))
  }
  return under(keys, item)
}

function under(keys: readonly string[], item: Item): Mapping {
  const [key = '', ...rest] = keys
  if (rest.length === 0) return mapping([[key, item]], item.key)
  return mapping([[key, { key: item.key, node: under(rest, item) }]], item.key)
}

function joined(under: Item | undefined, over: Item): Item {
  if (under?.node.kind !== 'map' || over.node.kind !== 'map') return over
  return { key: under.key, node: merge(under.node, over.node) }
}
