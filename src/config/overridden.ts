import { warning } from './fault.ts'
import type { Fault } from './fault.ts'
import { isNull } from './node.ts'
import type { Item, List, Mapping } from './node.ts'
import type { Place } from './place.ts'

/** One source of a configuration, before all are merged. */
export interface Source {
  /** Whether it was named by itself, is one of the files of a folder, or a `--set`. */
  readonly kind: 'config' | 'folder' | 'setting'
  readonly tree: Mapping
}

/** A list of component ids that a later source replaced. */
export interface Overridden {
  /** `service::pipelines::traces::exporters`. */
  readonly path: string
  readonly ids: readonly string[]
  /** Where the list stands that counts. */
  readonly by: Place
}

/**
 * What later sources take away from earlier ones, since lists and empty keys replace and do not join. Files of one folder
 * know nothing of one another, so a list that loses ids there is told of; who names files in a row, or `--set`, means it.
 */
export function overridden(sources: readonly Source[]): {
  readonly lists: readonly Overridden[]
  readonly warnings: readonly Fault[]
} {
  const lists: Overridden[] = []
  const warnings: Fault[] = []
  const before = new Map<string, Item>()
  for (const { kind, tree } of sources) {
    for (const [path, item] of watched(tree)) {
      const under = before.get(path)
      before.set(path, item)
      if (under === undefined) continue
      if (isNull(item.node) && under.node.kind === 'map' && under.node.entries.size > 0) {
        if (kind !== 'setting') warnings.push(emptied(path, item, under))
        for (const lower of before.keys()) if (lower.startsWith(`${path}::`)) before.delete(lower)
      }
      if (under.node.kind !== 'list' || item.node.kind !== 'list') continue
      const ids = lost(under.node, item.node)
      if (ids.length === 0) continue
      lists.push({ path, ids, by: item.node.place })
      if (kind === 'folder') warnings.push(replaced(path, ids, item.node, under))
    }
  }
  return { lists, warnings }
}

/** Sections, their components, pipelines and their lists, by path. */
function* watched(tree: Mapping): Iterable<readonly [path: string, item: Item]> {
  for (const [section, item] of tree.entries) {
    yield [section, item]
    for (const [id, component] of entriesOf(item)) {
      const path = `${section}::${id}`
      yield [path, component]
      if (path !== 'service::pipelines') continue
      for (const [pipeline, lists] of entriesOf(component)) {
        yield [`${path}::${pipeline}`, lists]
        for (const [key, list] of entriesOf(lists)) yield [`${path}::${pipeline}::${key}`, list]
      }
    }
  }
}

const entriesOf = ({ node }: Item): Iterable<readonly [string, Item]> => (node.kind === 'map' ? node.entries : [])

function lost(under: List, over: List): string[] {
  const kept = new Set(idsOf(over))
  return idsOf(under).filter((id) => !kept.has(id))
}

const idsOf = ({ items }: List): string[] =>
  items.flatMap((item) => (item.kind === 'scalar' && typeof item.value === 'string' ? [item.value] : []))

function replaced(path: string, ids: readonly string[], over: List, under: Item): Fault {
  const message = `replaces the list of ${spot(under.key)}: ${ids.join(', ')} no longer there`
  const hint = 'lists are replaced, not joined: name all in one place'
  return warning({ code: 'list_replaced', message, path, place: over.place, hint })
}

function emptied(path: string, { key }: Item, under: Item): Fault {
  const message = `has no value, which removes what ${spot(under.key)} has there`
  return warning({ code: 'section_emptied', message, path, place: key, hint: 'to keep it, write {} or leave it out' })
}

export const spot = ({ source, line, column }: Place): string => `${source}:${line}:${column}`
