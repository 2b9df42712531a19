import type { Catalog } from '../../component/catalog.ts'
import type { Kind } from '../../component/definition.ts'
import type { TSchema } from '../../component/options.ts'
import { canonicalId, SECTIONS } from '../check/components.ts'
import { PIPELINE } from '../check/pipelines.ts'
import { SERVICE } from '../check/telemetry.ts'
import { decode } from '../decode/decode.ts'
import type { Schema } from '../decode/schema.ts'
import { spot } from '../decode/spot.ts'
import type { Fault } from '../fault.ts'
import { idText, pipelineId } from '../ids.ts'
import { isNull, mapping, plain } from '../node.ts'
import type { Item, Mapping, Node } from '../node.ts'
import { encode } from './encode.ts'
import type { Printable, PrintableMap } from './encode.ts'

/** The order in which a configuration is read best: the way of the data, then what names it all. */
const ORDER: readonly Kind[] = ['extension', 'receiver', 'processor', 'connector', 'exporter']

export interface Effective {
  readonly tree: PrintableMap
  /** What could not be decoded: then the tree lacks it. */
  readonly faults: readonly Fault[]
}

/**
 * The configuration that takes effect, to be written down: every option with its default, ids canonical. It is read from
 * the tree and not from a `Configuration`, so that one that would be refused can be looked at too. Plugins are loaded.
 */
export async function effective(root: Mapping, catalog: Catalog, reveal: boolean): Promise<Effective> {
  const faults: Fault[] = []
  const tree = new Map<string, Printable>()
  const plugins = root.entries.get('plugins')
  if (plugins !== undefined && !isNull(plugins.node)) tree.set('plugins', encode({}, plain(plugins.node), reveal))
  for (const kind of ORDER) {
    const section = await componentsOf(kind, root, catalog, reveal, faults)
    if (section.size > 0) tree.set(SECTIONS[kind], section)
  }
  tree.set('service', serviceOf(root, catalog, reveal, faults))
  return { tree, faults }
}

async function componentsOf(
  kind: Kind,
  root: Mapping,
  catalog: Catalog,
  reveal: boolean,
  faults: Fault[],
): Promise<Map<string, Printable>> {
  const result = new Map<string, Printable>()
  for (const [written, { node }] of entriesOf(root.entries.get(SECTIONS[kind]))) {
    const id = canonicalId(kind, written, catalog) ?? written
    const definition = await catalog.find(kind, id.split('/', 1)[0] as string)?.load()
    // Of a type that nobody knows nothing is known but what was written.
    if (definition === undefined) {
      result.set(id, encode({}, plain(node), reveal))
      continue
    }
    const at = spot(`${SECTIONS[kind]}::${written}`, (other) => canonicalId('extension', other, catalog))
    const config = decode(definition.config, node, at)
    faults.push(...at.faults)
    if (at.faults.length === 0) result.set(id, encode(definition.config, config, reveal))
  }
  return result
}

function serviceOf(root: Mapping, catalog: Catalog, reveal: boolean, faults: Fault[]): PrintableMap {
  const item = root.entries.get('service')
  const body = item?.node.kind === 'map' ? item.node : mapping([], root.place)
  const rest = new Map(body.entries)
  rest.delete('pipelines')
  rest.delete('extensions')
  const at = { ...spot('service'), name: 'service' }
  const options = decode(SERVICE as Schema, { ...body, entries: rest }, at)
  faults.push(...at.faults)
  const result = new Map<string, Printable>()
  const extensions = listOf(body.entries.get('extensions')?.node)
  if (extensions.length > 0)
    result.set('extensions', [...new Set(extensions.map((id) => canonicalId('extension', id, catalog) ?? id))])
  result.set('pipelines', pipelinesOf(body.entries.get('pipelines'), root, catalog, faults))
  if (at.faults.length === 0)
    for (const [key, value] of encode(SERVICE as Schema, options, reveal) as PrintableMap) result.set(key, value)
  return result
}

function pipelinesOf(item: Item | undefined, root: Mapping, catalog: Catalog, faults: Fault[]): PrintableMap {
  const result = new Map<string, Printable>()
  for (const [written, { node }] of entriesOf(item)) {
    const id = pipelineId(written)
    const canonical = typeof id === 'string' ? written : idText(id.signal, id.name)
    const at = { ...spot('service::pipelines'), name: `[${canonical}]` }
    const lists = decode(PIPELINE as TSchema, node, at) as Lists | undefined
    faults.push(...at.faults)
    if (at.faults.length > 0 || lists === undefined) continue
    const ids = (kinds: readonly Kind[], list: readonly string[] = []) => [
      ...new Set(list.map((each) => referred(kinds, each, root, catalog))),
    ]
    const { receivers, processors, exporters } = lists
    result.set(
      canonical,
      new Map([
        ['receivers', ids(['receiver', 'connector'], receivers)],
        ...(processors?.length ? [['processors', ids(['processor'], processors)] as const] : []),
        ['exporters', ids(['exporter', 'connector'], exporters)],
      ]),
    )
  }
  return result
}

type Lists = Readonly<Partial<Record<'receivers' | 'processors' | 'exporters', readonly string[]>>>

/** The canonical id of what a pipeline names; as written where there is nothing of that name. */
function referred(kinds: readonly Kind[], written: string, root: Mapping, catalog: Catalog): string {
  for (const kind of kinds) {
    const id = canonicalId(kind, written, catalog)
    const configured = [...entriesOf(root.entries.get(SECTIONS[kind]))].map(([each]) =>
      canonicalId(kind, each, catalog),
    )
    if (id !== undefined && configured.includes(id)) return id
  }
  return written
}

const entriesOf = (item: Item | undefined): Iterable<readonly [string, Item]> =>
  item?.node.kind === 'map' ? item.node.entries : []

/** A list of strings, which may also be written `a,b`. */
function listOf(node: Node | undefined): string[] {
  if (node === undefined || isNull(node)) return []
  const list = decode({ type: 'array', items: { type: 'string' } }, node, spot('service'))
  return ((list ?? []) as (string | undefined)[]).filter((each) => each !== undefined)
}
