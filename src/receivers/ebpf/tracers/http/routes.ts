import { PLACEHOLDER, shapeOf } from './route-shape.ts'

/** Paths whose route is remembered. */
const PATHS_MOST = 4096
/** Segments that are told apart; what is behind them becomes `*`. */
const SEGMENTS_MOST = 10
/** Segments that are looked at for a user's route. */
const SPLIT_MOST = 64
/** Places that are known, over all paths. Beyond, new ones become `*`. */
const PLACES_MOST = 16384

/** One place of the paths that were seen: what may follow it. */
interface Place {
  readonly after: Map<string, Place>
  /** So many names followed that they are taken for ids. */
  isMany: boolean
}

export interface RoutesOptions {
  /** Of the user, checked to be routes. */
  readonly templates: readonly string[]
  /** Different names in one place. */
  readonly variants: number
}

/**
 * The route of a path: one of the user's, or the path with placeholders for what looks like an id, or turns out to be one because there are so many.
 * Bounded in every respect: whatever paths come, there are few routes.
 */
export class Routes {
  readonly #templates: readonly (readonly string[])[]
  readonly #variants: number
  readonly #known = new Map<string, string>()
  readonly #root: Place = { after: new Map(), isMany: false }
  #places = 0

  constructor({ templates, variants }: RoutesOptions) {
    this.#templates = templates.map(segmentsOf)
    this.#variants = variants
  }

  of(path: string): string {
    const known = this.#known.get(path)
    if (known !== undefined) return known
    const segments = segmentsOf(path)
    const template = this.#templates.find((candidate) => fits(candidate, segments))
    const route = `/${(template ?? this.#guess(segments)).join('/')}`
    if (this.#known.size >= PATHS_MOST) this.#known.clear()
    if (path.length <= PATH_CHARACTERS_MOST) this.#known.set(path, route)
    return route
  }

  #guess(segments: readonly string[]): string[] {
    const route: string[] = []
    let place: Place = this.#root
    for (const [index, segment] of segments.entries()) {
      if (index === SEGMENTS_MOST) return [...route, '*']
      const shape = this.#name(place, shapeOf(segment))
      const next = place.after.get(shape) ?? this.#add(place, shape)
      if (!next) return [...route, '*']
      route.push(shape)
      place = next
    }
    return route
  }

  /** The segment as it stands in the route, once it is known how many there are of it. */
  #name(place: Place, shape: string): string {
    if (shape === PLACEHOLDER || place.after.has(shape)) return shape
    if (!place.isMany && place.after.size < this.#variants) return shape
    if (!place.isMany) this.#merge(place)
    return PLACEHOLDER
  }

  /** All that followed here are one from now on. */
  #merge(place: Place): void {
    place.isMany = true
    this.#places -= sizeOf(place) - 1
    place.after.clear()
    this.#known.clear()
  }

  #add(place: Place, shape: string): Place | undefined {
    if (this.#places >= PLACES_MOST) return undefined
    this.#places++
    const made = { after: new Map<string, Place>(), isMany: false }
    place.after.set(shape, made)
    return made
  }
}

/** Longer paths are worked out anew each time. */
const PATH_CHARACTERS_MOST = 512

const segmentsOf = (path: string): string[] => path.split('/', SPLIT_MOST).slice(1)

const sizeOf = (place: Place): number => {
  let size = 1
  for (const next of place.after.values()) size += sizeOf(next)
  return size
}

/** `{name}` fits any one segment, `*` at the end the rest. */
function fits(template: readonly string[], segments: readonly string[]): boolean {
  for (const [index, wanted] of template.entries()) {
    if (wanted === '*') return true
    const segment = segments[index]
    if (segment === undefined) return false
    if (wanted !== segment && !(wanted.startsWith('{') && wanted.endsWith('}') && segment !== '')) return false
  }
  return template.length === segments.length
}
