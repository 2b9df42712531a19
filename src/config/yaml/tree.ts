import { isAlias, isMap, isScalar, isSeq } from 'yaml'
import type { Alias, Pair, ParsedNode, Scalar as YamlScalar, YAMLMap } from 'yaml'
import { error } from '../fault.ts'
import type { Fault } from '../fault.ts'
import { broken, mapping, scalar } from '../node.ts'
import type { Item, Mapping, Node } from '../node.ts'
import type { Place } from '../place.ts'
import { isFloat, resolvePlain } from './scalar.ts'

/** Levels of mappings and lists inside one another. */
export const MAX_DEPTH = 100
/** Values in one text, each alias counted with all that it stands for: what stops "a billion laughs". */
export const MAX_NODES = 200_000

/** Turns the YAML library's tree into nodes: aliases and merge keys resolved, duplicates refused. */
export class TreeReader {
  readonly faults: Fault[] = []
  readonly #place: (offset: number) => Place
  readonly #anchors = new Map<string, { readonly node: Node; readonly size: number; readonly height: number }>()
  #count = 0
  /** The deepest level met since the anchor that is being read began. */
  #deepest = 0

  constructor(place: (offset: number) => Place) {
    this.#place = place
  }

  read(yaml: unknown, depth = 0): Node {
    const node = this.#convert(yaml as ParsedNode | null, depth)
    return node
  }

  #convert(yaml: ParsedNode | null, depth: number): Node {
    const place = this.#place(yaml?.range[0] ?? 0)
    if (depth > MAX_DEPTH) return this.#refuse(place, `more than ${MAX_DEPTH} levels deep`)
    if (++this.#count > MAX_NODES) return this.#refuse(place, `more than ${MAX_NODES} values`)
    this.#deepest = Math.max(this.#deepest, depth)
    if (yaml === null) return scalar(null, place)
    if (isAlias(yaml)) return this.#alias(yaml, place, depth)
    return yaml.anchor ? this.#anchored(yaml.anchor, yaml, place, depth) : this.#content(yaml, place, depth)
  }

  #anchored(anchor: string, yaml: Exclude<ParsedNode, Alias.Parsed>, place: Place, depth: number): Node {
    const before = { count: this.#count, deepest: this.#deepest }
    this.#deepest = depth
    const node = this.#content(yaml, place, depth)
    this.#anchors.set(anchor, { node, size: this.#count - before.count + 1, height: this.#deepest - depth })
    this.#deepest = Math.max(this.#deepest, before.deepest)
    return node
  }

  #content(yaml: Exclude<ParsedNode, Alias.Parsed>, place: Place, depth: number): Node {
    if (isScalar(yaml)) return this.#scalar(yaml, place)
    if (isSeq(yaml)) {
      const items = yaml.items.map((item) => this.#convert(item, depth + 1))
      return { kind: 'list', items, place }
    }
    return isMap(yaml) ? this.#mapping(yaml, place, depth) : this.#refuse(place, 'unknown kind of node')
  }

  #scalar(yaml: YamlScalar, place: Place): Node {
    const text = typeof yaml.value === 'string' ? yaml.value : (yaml.source ?? '')
    const plain = yaml.type === 'PLAIN' || yaml.type === undefined
    if (yaml.tag === undefined || yaml.tag === '!') {
      const meant = plain ? resolvePlain(text) : text
      return scalar(meant, place, isWhole(meant) && isFloat(text, meant))
    }
    if (TEXT_TAGS.has(yaml.tag)) return scalar(text, place)
    if (yaml.tag === `${CORE}binary`) return this.#binary(text, place)
    const resolved = resolvePlain(text)
    if (!CORE_TAGS.has(yaml.tag)) return this.#refuse(place, `unknown tag ${yaml.tag.replace(CORE, '!!')}`)
    if (typeTag(resolved) === yaml.tag || (yaml.tag === `${CORE}float` && typeof resolved === 'number'))
      return scalar(resolved, place, isWhole(resolved) && (yaml.tag === `${CORE}float` || isFloat(text, resolved)))
    return this.#refuse(place, `cannot decode this as ${yaml.tag.replace(CORE, '!!')}`)
  }

  #binary(text: string, place: Place): Node {
    const base64 = text.replaceAll(/\s/g, '')
    if (base64.length % 4 === 0 && BASE64.test(base64))
      return scalar(Buffer.from(base64, 'base64').toString('utf8'), place)
    return this.#refuse(place, '!!binary value contains invalid base64 data')
  }

  #alias(yaml: Alias, place: Place, depth: number): Node {
    const anchor = this.#anchors.get(yaml.source)
    if (anchor === undefined) return this.#refuse(place, `unknown anchor '${yaml.source}' referenced`)
    if (depth + anchor.height > MAX_DEPTH)
      return this.#refuse(place, `more than ${MAX_DEPTH} levels deep, aliases counted with what they stand for`)
    this.#deepest = Math.max(this.#deepest, depth + anchor.height)
    this.#count += anchor.size
    if (this.#count > MAX_NODES)
      return this.#refuse(place, `more than ${MAX_NODES} values, aliases counted with what they stand for`)
    return anchor.node
  }

  #mapping(yaml: YAMLMap, place: Place, depth: number): Mapping {
    const entries = new Map<string, Item>()
    const merged: Item[] = []
    for (const pair of yaml.items as Pair<ParsedNode, ParsedNode | null>[]) {
      const at = this.#place(pair.key.range[0])
      if (!isScalar(pair.key)) {
        this.#refuse(at, 'a key must be a word')
        continue
      }
      const key = String(pair.key.value)
      const item = { key: at, node: this.#value(pair, at, depth) }
      if (key === '<<' && pair.key.type === 'PLAIN') merged.push(item)
      else if (entries.has(key))
        this.#refuse(at, `mapping key ${JSON.stringify(key)} already defined at line ${entries.get(key)?.key.line}`)
      else entries.set(key, item)
    }
    for (const item of merged) this.#merge(entries, item)
    return mapping(entries, place)
  }

  #value(pair: Pair<ParsedNode, ParsedNode | null>, key: Place, depth: number): Node {
    return pair.value === null ? scalar(null, key) : this.#convert(pair.value, depth + 1)
  }

  /** What is written in the mapping itself wins, then the earlier of several merged ones. */
  #merge(entries: Map<string, Item>, { key, node }: Item): void {
    for (const source of node.kind === 'list' ? node.items : [node]) {
      if (source.kind !== 'map') {
        this.#refuse(key, 'map merge requires map or sequence of maps as the value')
        return
      }
      for (const [name, item] of source.entries) if (!entries.has(name)) entries.set(name, item)
    }
  }

  #refuse(place: Place, problem: string): Node {
    if (this.faults.length < MAX_FAULTS) {
      const line = place.line > 0 ? `line ${place.line}: ` : ''
      this.faults.push(error({ code: 'invalid_yaml', path: '', place, message: `yaml: ${line}${problem}` }))
    }
    return broken(place)
  }
}

const isWhole = (value: unknown): boolean => typeof value === 'number' && Number.isInteger(value)

const MAX_FAULTS = 100

const CORE = 'tag:yaml.org,2002:'
/** A date is text here: no option is a point in time, and a string option wants it as written. */
const TEXT_TAGS = new Set(['str', 'timestamp'].map((name) => CORE + name))
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
const CORE_TAGS = new Set(['int', 'float', 'bool', 'null'].map((name) => CORE + name))

function typeTag(value: unknown): string {
  if (value === null) return `${CORE}null`
  if (typeof value === 'boolean') return `${CORE}bool`
  if (typeof value === 'bigint') return `${CORE}int`
  if (typeof value === 'number') return Number.isInteger(value) ? `${CORE}int` : `${CORE}float`
  return `${CORE}str`
}
