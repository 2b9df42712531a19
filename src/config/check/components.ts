import type { Catalog, Entry } from '../../component/catalog.ts'
import type { Definition, Kind, OptionFault } from '../../component/definition.ts'
import { checkSending } from '../../component/sending-check.ts'
import { decode } from '../decode/decode.ts'
import { spot } from '../decode/spot.ts'
import type { Mention } from '../decode/spot.ts'
import { error, info } from '../fault.ts'
import type { Fault } from '../fault.ts'
import { componentId, idText } from '../ids.ts'
import { goType, isNull, isWhole } from '../node.ts'
import type { Item, Mapping, Node } from '../node.ts'
import { asMapping } from '../decode/as-mapping.ts'
import { didYouMean } from '../nearest.ts'
import type { Place } from '../place.ts'
import { located } from './option-fault.ts'
import { retiredHint } from './retired.ts'
import { isUnread } from './top-level.ts'

/** The top-level key of each kind. */
export const SECTIONS = {
  receiver: 'receivers',
  processor: 'processors',
  connector: 'connectors',
  exporter: 'exporters',
  extension: 'extensions',
} as const satisfies Record<Kind, string>

/** A component as configured. `config` is of use where nothing was wrong with it. */
export interface Component {
  readonly kind: Kind
  readonly id: string
  /** `receivers::otlp`, as written. */
  readonly path: string
  readonly place: Place
  /** Undefined where its type is unknown or could not be loaded: its fault is reported. */
  readonly definition: Definition | undefined
  readonly config: unknown
  readonly sound: boolean
  /** As written, for the places of what is wrong in it. */
  readonly body: Node
}

export interface Components {
  /** By canonical id, for each kind. */
  readonly byKind: Readonly<Record<Kind, ReadonlyMap<string, Component>>>
  readonly mentions: readonly Mention[]
  /** Where values stand that a schema calls secret. */
  readonly secrets: readonly Place[]
  /** Whether the id is of a type that there is, configured or not. */
  readonly isKnown: (kind: Kind, id: string) => boolean
  /** Everything that may be written for a type of that kind. */
  readonly names: (kind: Kind) => readonly string[]
  /** Kinds whose section is misspelt or no mapping, which is reported: what is missing there is not missed. */
  readonly unread: ReadonlySet<Kind>
}

/** Reads every component section: ids, types, options. */
export async function readComponents(
  root: Mapping,
  catalog: Catalog,
  report: (fault: Fault) => void,
): Promise<Components> {
  const mentions: Mention[] = []
  const secrets: Place[] = []
  const read = async (kind: Kind) => {
    const found = identify(kind, root.entries.get(SECTIONS[kind]), catalog, report)
    const components = await Promise.all(found.map((each) => decoded(each, catalog, report, mentions, secrets)))
    return new Map(components.map((component) => [component.id, component]))
  }
  const [receiver, processor, connector, exporter, extension] = await Promise.all([
    read('receiver'),
    read('processor'),
    read('connector'),
    read('exporter'),
    read('extension'),
  ])
  const isKnown = (kind: Kind, written: string): boolean => {
    const id = componentId(written)
    return typeof id !== 'string' && catalog.find(kind, id.type) !== undefined
  }
  const unread = new Set((Object.keys(SECTIONS) as Kind[]).filter((kind) => isUnread(root, SECTIONS[kind])))
  const names = (kind: Kind) => catalog.names(kind)
  return { byKind: { receiver, processor, connector, exporter, extension }, mentions, secrets, isKnown, names, unread }
}

/** The id that a written one stands for: its type without alias or hyphen, no spaces. Undefined where it is no id. */
export function canonicalId(kind: Kind, written: string, catalog: Catalog): string | undefined {
  const id = componentId(written)
  if (typeof id === 'string') return undefined
  return idText(catalog.find(kind, id.type)?.type ?? id.type, id.name)
}

interface Identified {
  readonly kind: Kind
  readonly id: string
  readonly path: string
  readonly place: Place
  readonly body: Node
  readonly entry: Entry | undefined
}

function identify(kind: Kind, item: Item | undefined, catalog: Catalog, report: (fault: Fault) => void): Identified[] {
  const section = SECTIONS[kind]
  if (item === undefined || isNull(item.node) || item.node.kind === 'broken') return []
  if (item.node.kind !== 'map') {
    const message = `'${section}' expected a map or struct, got "${goType(item.node)}"`
    const hint = asMapping(item.node, catalog.names(kind))
    report(error({ code: 'wrong_type', message, path: section, place: item.node.place, hint }))
    return []
  }
  const found = new Map<string, Identified & { readonly written: string }>()
  for (const [written, { key: place, node: body }] of item.node.entries) {
    const id = componentId(written)
    if (typeof id === 'string') {
      report(error({ code: 'invalid_id', message: id, path: section, place }))
      continue
    }
    const entry = catalog.find(kind, id.type)
    const canonical = idText(entry?.type ?? id.type, id.name)
    const path = `${section}::${written}`
    const other = found.get(canonical)
    if (other !== undefined) {
      const message = `duplicate name ${JSON.stringify(written)} after unmarshaling ${canonical}`
      const hint = `"${other.written}" at line ${other.place.line} is the same component`
      report(error({ code: 'duplicate_id', message, path, place, hint }))
      continue
    }
    if (entry === undefined) report(unknownType(kind, id.type, written, place, catalog))
    else if (entry.type !== id.type.replaceAll('-', '_')) report(alias(kind, id.type, entry.type, path, place))
    found.set(canonical, { kind, id: canonical, path, place, body, entry, written })
  }
  return [...found.values()]
}

function unknownType(kind: Kind, type: string, written: string, place: Place, catalog: Catalog): Fault {
  const section = SECTIONS[kind]
  const known = catalog.types(kind)
  const message = `'${section}' unknown type: ${JSON.stringify(type)} for id: ${JSON.stringify(written)} (valid values: [${known.join(' ')}])`
  const hint =
    retiredHint(kind, type) ??
    didYouMean(type.replaceAll('-', '_'), catalog.names(kind)) ??
    elsewhere(type, kind, catalog)
  return error({ code: 'unknown_type', message, path: `${section}::${written}`, place, hint })
}

function elsewhere(type: string, kind: Kind, catalog: Catalog): string | undefined {
  const other = (Object.keys(SECTIONS) as Kind[]).find((each) => each !== kind && catalog.find(each, type))
  return other === undefined ? undefined : `"${type}" is a type of ${other}: it belongs under ${SECTIONS[other]}`
}

const alias = (kind: Kind, type: string, canonical: string, path: string, place: Place): Fault =>
  info({ code: 'alias', message: `"${type}" is another name of the ${kind} type "${canonical}"`, path, place })

async function decoded(
  { entry, ...about }: Identified,
  catalog: Catalog,
  report: (fault: Fault) => void,
  mentions: Mention[],
  secrets: Place[],
): Promise<Component> {
  const { kind, id, path, place, body } = about
  const unusable: Component = { kind, id, path, place, body, definition: undefined, config: undefined, sound: false }
  if (entry === undefined) return unusable
  let definition: Definition
  try {
    definition = await entry.load()
  } catch (thrown) {
    const message = `${kind} type "${entry.type}" of ${entry.source} could not be loaded: ${(thrown as Error).message}`
    report(error({ code: 'not_loaded', message, path, place }))
    return unusable
  }
  const at = spot(path, (id) => canonicalId('extension', id, catalog))
  const config = decode(definition.config, body, at)
  const sound = at.faults.length === 0 && isWhole(body)
  at.faults.forEach(report)
  mentions.push(...at.mentions)
  secrets.push(...at.secrets)
  if (!sound) return { ...unusable, definition }
  const faults = [...optionFaults(definition, config)].map((fault) => located(fault, path, body, place, config))
  faults.forEach(report)
  return { kind, id, path, place, body, definition, config, sound: faults.length === 0 }
}

/** What no schema can say: of the options that exporters share, and of the component itself. */
function* optionFaults(definition: Definition, config: unknown): Iterable<OptionFault> {
  if (definition.kind === 'exporter') yield* checkSending(config)
  if (definition.check) yield* definition.check(config)
}
