import type { Kind } from '../../component/definition.ts'
import { Options, Type } from '../../component/options.ts'
import type { TSchema } from '../../component/options.ts'
import type { Signal } from '../../data/signal.ts'
import { SIGNALS } from '../../data/signal.ts'
import { decode } from '../decode/decode.ts'
import { spot } from '../decode/spot.ts'
import { error } from '../fault.ts'
import type { Fault } from '../fault.ts'
import { idText, pipelineId } from '../ids.ts'
import { goType, isNull } from '../node.ts'
import type { Item, Mapping } from '../node.ts'
import { didYouMean, isMisspelt, nearest } from '../nearest.ts'
import type { Place } from '../place.ts'
import { shown } from '../place.ts'
import { SECTIONS } from './components.ts'
import type { Component, Components } from './components.ts'

/** A pipeline as written: what it names, with places. */
export interface Written {
  readonly id: string
  readonly signal: Signal
  readonly path: string
  readonly place: Place
  /** Receivers and exporters without repetition; connectors are among them. */
  readonly receivers: readonly Part[]
  readonly processors: readonly Part[]
  readonly exporters: readonly Part[]
}

export interface Part {
  readonly component: Component
  readonly place: Place
}

/** The id that a written one stands for, or undefined where it is none. */
export type CanonicalId = (kind: Kind, written: string) => string | undefined

const PATH = 'service::pipelines'

/** Reads `service::pipelines`; references that lead nowhere are reported and left out. */
export function readPipelines(
  item: Item | undefined,
  service: Place,
  components: Components,
  canonical: CanonicalId,
  report: (fault: Fault) => void,
): Written[] {
  const nothing = item === undefined || isNull(item.node) || (item.node.kind === 'map' && item.node.entries.size === 0)
  if (nothing) {
    const message = 'service must have at least one pipeline'
    const hint = 'say what is connected: traces: {receivers: […], exporters: […]}'
    report(error({ code: 'no_pipeline', message, path: PATH, place: item?.key ?? service, hint }))
    return []
  }
  if (item.node.kind === 'broken') return []
  if (item.node.kind !== 'map') {
    const message = `'pipelines' expected a map or struct, got "${goType(item.node)}"`
    report(error({ code: 'wrong_type', message, path: 'service', place: item.node.place }))
    return []
  }
  const reading = new Reading(components, canonical, report)
  return [...item.node.entries].flatMap(([written, each]) => reading.pipeline(written, each) ?? [])
}

const ids = (description: string) => Type.Optional(Type.Array(Type.String(), { description }))
export const PIPELINE = Options({
  receivers: ids('Where data comes from: receivers, and connectors that other pipelines end in.'),
  processors: ids('What is done to it, in this order.'),
  exporters: ids('Where it goes: exporters and connectors, each gets everything.'),
})

const LISTS = Object.keys(PIPELINE.properties)

/** As decoded: an element that is no string is left undefined. */
type Ids = readonly (string | undefined)[] | undefined

class Reading {
  readonly #components: Components
  readonly #canonical: CanonicalId
  readonly #report: (fault: Fault) => void
  readonly #seen = new Set<string>()

  constructor(components: Components, canonical: CanonicalId, report: (fault: Fault) => void) {
    this.#components = components
    this.#canonical = canonical
    this.#report = report
  }

  pipeline(written: string, { key: place, node }: Item): Written | undefined {
    const id = pipelineId(written)
    if (typeof id === 'string') {
      const hint = didYouMean((written.split('/')[0] as string).trim(), SIGNALS)
      this.#report(error({ code: 'invalid_id', message: id, path: PATH, place, hint }))
      return undefined
    }
    const canonical = idText(id.signal, id.name)
    const path = `${PATH}::${canonical}`
    if (this.#seen.has(canonical)) {
      const message = `duplicate name ${JSON.stringify(written)} after unmarshaling ${canonical}`
      this.#report(error({ code: 'duplicate_id', message, path, place }))
      return undefined
    }
    this.#seen.add(canonical)
    // The Collector's decoder names a key of a mapping in brackets: '[traces].receivers'.
    const at = { ...spot(PATH), name: `[${canonical}]` }
    const lists = decode(PIPELINE as TSchema, node, at) as Readonly<Record<string, Ids>> | undefined
    at.faults.forEach(this.#report)
    if (node.kind !== 'map' && !isNull(node)) return undefined
    const tree = node.kind === 'map' ? node : undefined
    return {
      id: canonical,
      signal: id.signal,
      path,
      place,
      receivers: this.#ends('receiver', lists?.['receivers'], tree, path, place),
      processors: this.#processors(lists?.['processors'], tree, path, place),
      exporters: this.#ends('exporter', lists?.['exporters'], tree, path, place),
    }
  }

  #ends(kind: 'receiver' | 'exporter', ids: Ids, tree: Mapping | undefined, path: string, place: Place): Part[] {
    const item = tree?.entries.get(`${kind}s`)
    const misspelt = isMisspelt(`${kind}s`, tree?.entries.keys() ?? [], LISTS)
    if ((ids === undefined || ids.length === 0) && !isUnreadable(item, ids) && !misspelt) {
      const message = `must have at least one ${kind}`
      this.#report(error({ code: `no_${kind}`, message, path, place: item?.key ?? place }))
    }
    const parts = (ids ?? []).flatMap(
      (id, index) => this.#part([kind, 'connector'], id, placeAt(item, index, place), path) ?? [],
    )
    return parts.filter((part, index) => parts.findIndex((other) => other.component === part.component) === index)
  }

  #processors(ids: Ids, tree: Mapping | undefined, path: string, place: Place): Part[] {
    const item = tree?.entries.get('processors')
    const parts: Part[] = []
    for (const [index, id] of (ids ?? []).entries()) {
      const part = this.#part(['processor'], id, placeAt(item, index, place), path)
      if (part === undefined) continue
      if (parts.some((other) => other.component === part.component)) {
        const message = `references processor ${shown(id ?? '', part.place)} multiple times`
        this.#report(error({ code: 'processor_twice', message, path, place: part.place }))
      } else parts.push(part)
    }
    return parts
  }

  /** An element that is no string is reported already. */
  #part(kinds: readonly [Kind, ...Kind[]], id: string | undefined, place: Place, path: string): Part | undefined {
    if (id === undefined) return undefined
    for (const kind of kinds) {
      const canonical = this.#canonical(kind, id)
      const component = canonical === undefined ? undefined : this.#components.byKind[kind].get(canonical)
      if (component !== undefined) return { component, place }
    }
    if (!kinds.some((kind) => this.#components.unread.has(kind)))
      this.#report(notConfigured(kinds, id, place, path, this.#components))
    return undefined
  }
}

/** The sentence for a reference to nothing, and as hint where the name may be found or what is to be added. */
export function notConfigured(
  kinds: readonly [Kind, ...Kind[]],
  id: string,
  place: Place,
  path: string,
  components: Components,
): Fault {
  const message = `references ${kinds[0]} ${shown(id, place)} which is not configured`
  const hint = place.reference === undefined ? whereToFind(kinds, id, components) : undefined
  return error({ code: 'not_configured', message, path, place, hint })
}

function whereToFind(kinds: readonly Kind[], id: string, { byKind, isKnown, names }: Components): string | undefined {
  const other = (Object.keys(byKind) as Kind[]).find((kind) => !kinds.includes(kind) && byKind[kind].has(id))
  if (other !== undefined) return `"${id}" is configured as ${other}`
  const known = kinds.find((kind) => isKnown(kind, id))
  const near = kinds.flatMap((kind) => [...byKind[kind].keys()])
  const found = didYouMean(id, near) ?? (known && `add "${id}:" under ${SECTIONS[known]}`)
  if (found !== undefined) return found
  const type = nearest((id.split('/')[0] as string).trim(), kinds.flatMap(names))
  return type === undefined ? undefined : `did you mean "${type}"? It is to be configured too`
}

/** There is something, but it was no list: that is reported already. */
const isUnreadable = (item: Item | undefined, ids: Ids): boolean =>
  ids === undefined && item !== undefined && !isNull(item.node)

/** The place of an element of a list, which may also be written `a,b`. */
export const placeAt = (item: Item | undefined, index: number, fallback: Place): Place =>
  (item?.node.kind === 'list' ? item.node.items[index]?.place : item?.node.place) ?? fallback
