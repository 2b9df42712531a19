import { error, FaultError } from '../fault.ts'
import type { Fault } from '../fault.ts'
import { broken, mapping, scalar } from '../node.ts'
import type { List, Mapping, Node } from '../node.ts'
import type { Place } from '../place.ts'
import { MAX_DEPTH } from '../yaml/tree.ts'
import type { Fragment } from './fragment.ts'
import { RawTexts } from './raw-texts.ts'
import { findReference, unescape } from './reference.ts'

/** References that one value may lead through, one after the other: what stops a variable that names itself. */
export const MAX_EXPANSIONS = 1000
/** Mappings and lists that came from references, one inside the other. */
export const MAX_NESTING = 50
/** References in one configuration. */
export const MAX_REFERENCES = 10_000
/** Characters that references bring in, all together: each time one is met its text is read anew. */
export const MAX_REFERRED_LENGTH = 32 * 2 ** 20
/** Values in one configuration, with all that references bring in. */
export const MAX_VALUES = 1_000_000
/** Longest string that references may be pasted into. */
export const MAX_EXPANDED_LENGTH = 2 ** 20

/** Finds what a reference names; `inside` is what stands between `${` and `}`. Throws a `FaultError`. */
export type Resolve = (inside: string, place: Place) => Fragment

/**
 * Puts in what `${env:X}`, `${file:x.yaml}` and `${yaml:…}` name, in values and never in keys. A value that is one whole
 * reference becomes what its text means as YAML, and keeps the text for options that want a string; inside a longer string
 * the text is pasted. What comes in is expanded again, but for what `${rawenv:X}` names. Last, `$$` becomes `$`. Undefined where
 * there is no end to it.
 */
export function expand(root: Mapping, resolve: Resolve, report: (fault: Fault) => void): Mapping | undefined {
  try {
    const raw = new RawTexts()
    const expanded = new Expansion(resolve, report, raw).entries(root)
    return withTexts(expanded, (text) => raw.restored(unescape(text))) as Mapping
  } catch (thrown) {
    if (!(thrown instanceof Exhausted)) throw thrown
    report(thrown.fault)
    return undefined
  }
}

/** A bound of the whole configuration was met: nothing further is expanded, or it would go on in the next value. */
class Exhausted extends Error {
  readonly fault: Fault

  constructor(message: string, place: Place) {
    super(message)
    this.name = 'Exhausted'
    this.fault = error({ code: 'too_many_expansions', message, path: '', place })
  }
}

class Expansion {
  readonly #resolve: Resolve
  readonly #report: (fault: Fault) => void
  readonly #raw: RawTexts
  #references = 0
  #nesting = 0
  #length = 0
  #values = 0
  #depth = 0

  constructor(resolve: Resolve, report: (fault: Fault) => void, raw: RawTexts) {
    this.#resolve = resolve
    this.#report = report
    this.#raw = raw
  }

  entries(node: Mapping, steps = 0): Mapping {
    const entries = [...node.entries].map(
      ([key, item]) => [key, { ...item, node: this.#node(item.node, steps) }] as const,
    )
    return { ...mapping(entries, node.place), ...(node.text !== undefined && { text: node.text }) }
  }

  #node(node: Node, steps: number): Node {
    if (++this.#values > MAX_VALUES) throw new Exhausted(`more than ${MAX_VALUES} values`, node.place)
    switch (node.kind) {
      case 'map':
      case 'list':
        return this.#collection(node, steps)
      case 'scalar':
        return typeof node.value === 'string' ? this.#reported(node, node.value, steps) : node
      case 'broken':
        return node
    }
  }

  #collection(node: Mapping | List, steps: number): Node {
    if (++this.#depth > MAX_DEPTH)
      throw new Exhausted(`more than ${MAX_DEPTH} levels deep, references counted with what they bring in`, node.place)
    const result =
      node.kind === 'map'
        ? this.entries(node, steps)
        : { ...node, items: node.items.map((item) => this.#node(item, steps)) }
    this.#depth--
    return result
  }

  #reported(node: Node, text: string, steps: number): Node {
    try {
      const { value } = this.#text(text, node.place, steps)
      return node.problem !== undefined && value.kind === 'scalar' ? { ...value, problem: node.problem } : value
    } catch (thrown) {
      if (!(thrown instanceof FaultError)) throw thrown
      this.#report(thrown.fault)
      return broken(node.place)
    }
  }

  #text(text: string, place: Place, before: number): { readonly value: Node; readonly steps: number } {
    const pasted = new Map(place.pasted)
    const referring: Place = { ...place, reference: place.reference ?? text }
    let current = text
    for (let steps = before; ; steps++) {
      const reference = findReference(current)
      if (reference === undefined) {
        const at = pasted.size > 0 ? { ...referring, pasted } : referring
        return { value: scalar(current, current === text ? place : at), steps }
      }
      if (steps >= MAX_EXPANSIONS) throw tooMany(referring)
      if (++this.#references > MAX_REFERENCES) throw new Exhausted(`more than ${MAX_REFERENCES} references`, referring)
      const fragment = this.#resolved(reference, referring, pasted)
      if (reference === current) return { value: this.#whole(fragment, referring, steps + 1), steps: steps + 1 }
      current = current.split(reference).join(fragment.raw ? this.#raw.token(fragment.text) : fragment.text)
      pasted.set(fragment.raw ? fragment.text : this.#raw.restored(unescape(fragment.text)), reference)
      if (this.#raw.length(current) > MAX_EXPANDED_LENGTH)
        throw new Exhausted(`expands to more than ${MAX_EXPANDED_LENGTH} characters`, referring)
    }
  }

  /** What a reference names. Of one that was put together from others, a fault shows those, not what they stand for. */
  #resolved(reference: string, place: Place, pasted: ReadonlyMap<string, string>): Fragment {
    const inside = this.#raw.restored(reference.slice(2, -1))
    try {
      const fragment = this.#resolve(inside, place)
      this.#length += fragment.text.length
      if (this.#length > MAX_REFERRED_LENGTH)
        throw new Exhausted(`references bring in more than ${MAX_REFERRED_LENGTH} characters`, place)
      return fragment
    } catch (thrown) {
      if (!(thrown instanceof FaultError) || pasted.size === 0) throw thrown
      throw new FaultError({ ...thrown.fault, ...masked(thrown.fault, inside, pasted) })
    }
  }

  /** A value that is one reference: what it means, and beside it its text. */
  #whole({ value, text, raw }: Fragment, place: Place, steps: number): Node {
    if (raw) return { ...withTexts(value, (each) => this.#raw.token(each)), text: this.#raw.token(text) }
    if (value.kind === 'scalar' && typeof value.value === 'string') {
      const again = this.#text(value.value, place, steps).value
      return value.problem !== undefined && again.kind === 'scalar' ? { ...again, problem: value.problem } : again
    }
    if (this.#nesting >= MAX_NESTING) throw new Exhausted('too many recursive expansions', place)
    this.#nesting++
    const node = this.#node(value, steps)
    this.#nesting--
    const original = this.#original(text, place, steps)
    return original === undefined ? node : { ...node, text: original }
  }

  /** The text as a string option would take it. One that cannot be expanded (a comment may hold anything) is no text. */
  #original(text: string, place: Place, steps: number): string | undefined {
    try {
      const { value } = this.#text(text, place, steps)
      return value.kind === 'scalar' && typeof value.value === 'string' ? value.value : undefined
    } catch (thrown) {
      if (thrown instanceof FaultError) return undefined
      throw thrown
    }
  }
}

const CIRCLE = 'what the reference names leads back to it'

const tooMany = (place: Place): FaultError =>
  new FaultError(
    error({ code: 'too_many_expansions', message: 'too many recursive expansions', path: '', place, hint: CIRCLE }),
  )

/** The sentences of a fault without what was pasted into the reference that it is about. */
function masked({ message, hint }: Fault, inside: string, pasted: ReadonlyMap<string, string>): Partial<Fault> {
  let shown = inside
  for (const [value, reference] of pasted) if (value !== '') shown = shown.split(value).join(reference)
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]+:(?!-)/.exec(shown)?.[0] ?? ''
  const [rest, shownRest] = [inside.slice(scheme.length), shown.slice(scheme.length)]
  // A sentence may tell the whole, the part behind the scheme, or the name in front of a default.
  const parts = [
    [inside, shown] as const,
    ...[rest, rest.split(':-')[0] as string].map((part) => [part, shownRest] as const),
  ]
  const hide = (text: string): string => {
    let result = text
    for (const [part, instead] of parts.filter(([each]) => each !== ''))
      for (const told of [part, JSON.stringify(part).slice(1, -1)]) result = result.split(told).join(instead)
    return result
  }
  return { message: hide(message), ...(hint !== undefined && { hint: hide(hint) }) }
}

/** A tree with each of its texts, but for keys, changed. */
function withTexts(node: Node, change: (text: string) => string): Node {
  const text = node.text === undefined ? {} : { text: change(node.text) }
  switch (node.kind) {
    case 'map': {
      const entries = [...node.entries].map(
        ([key, item]) => [key, { ...item, node: withTexts(item.node, change) }] as const,
      )
      return { ...node, entries: new Map(entries), ...text }
    }
    case 'list':
      return { ...node, items: node.items.map((item) => withTexts(item, change)), ...text }
    case 'scalar':
      return { ...node, value: typeof node.value === 'string' ? change(node.value) : node.value, ...text }
    case 'broken':
      return node
  }
}
