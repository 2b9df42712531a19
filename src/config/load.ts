import { expand } from './expand/expand.ts'
import type { Fragment } from './expand/fragment.ts'
import { fragment } from './expand/fragment.ts'
import { error, FaultError, inOrder, warning } from './fault.ts'
import type { Fault } from './fault.ts'
import { merge, splitKeys } from './merge.ts'
import { goType, isNull, mapping } from './node.ts'
import type { Mapping } from './node.ts'
import type { Place } from './place.ts'
import { wholeSource } from './place.ts'
import { setting } from './setting.ts'
import { referenceLocation, sourceLocation } from './sources/location.ts'
import { retrieve } from './sources/retrieve.ts'
import type { Surroundings } from './sources/retrieve.ts'
import { readYaml } from './yaml/read.ts'

/** `--config` and `--set` together. */
export const MAX_SOURCES = 100

export interface LoadOptions extends Partial<Surroundings> {
  /** Locations, later ones laid over earlier ones. */
  readonly configs: readonly string[]
  /** `a.b=value`, laid over all of them. */
  readonly sets?: readonly string[]
}

export interface Loaded {
  /** Undefined where a source could not be read. */
  readonly root: Mapping | undefined
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
  /** Sources in order, with the text to print code frames from where it may be printed. */
  readonly texts: ReadonlyMap<string, string | undefined>
  readonly directory: string
}

/** Reads, merges and expands all sources of a configuration. Nothing is thrown: what is wrong is in `faults`. */
export function load(options: LoadOptions): Loaded {
  const loading = new Loading({
    environment: options.environment ?? process.env,
    directory: options.directory ?? process.cwd(),
  })
  return loading.load(options.configs, options.sets ?? [])
}

class Loading {
  readonly #surroundings: Surroundings
  readonly #faults: Fault[] = []
  readonly #warnings = new Map<string, Fault>()
  readonly #texts = new Map<string, string | undefined>()

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
  }

  load(configs: readonly string[], sets: readonly string[]): Loaded {
    const trees = [
      ...configs.slice(0, MAX_SOURCES).map((config) => this.#guarded(() => this.#source(config))),
      ...sets.slice(0, MAX_SOURCES).map((set) => this.#guarded(() => this.#setting(set))),
    ]
    if (configs.length + sets.length > MAX_SOURCES)
      this.#complain('too_many_sources', `more than ${MAX_SOURCES} sources`)
    if (configs.length === 0) this.#complain('no_source', 'at least one config flag must be provided')
    const readable = trees.filter((tree) => tree !== undefined)
    const complete = this.#faults.length === 0 && readable.length > 0
    const root = complete ? this.#expanded(readable.reduce(merge)) : undefined
    const sources = [...this.#texts.keys()]
    return {
      root,
      faults: inOrder(this.#faults, sources),
      warnings: inOrder([...this.#warnings.values()], sources),
      texts: this.#texts,
      directory: this.#surroundings.directory,
    }
  }

  #source(argument: string): Mapping {
    const location = sourceLocation(argument, wholeSource(argument))
    const name = location.scheme === 'file' ? location.opaque : location.scheme === 'env' ? argument : 'yaml:'
    const source = this.#named(name)
    const { text } = retrieve(location, wholeSource(source), this.#surroundings, this.#warn)
    // A variable may hold a whole configuration, and any secret in it: its lines are never printed.
    this.#texts.set(source, location.scheme === 'env' ? undefined : text)
    const { node, faults, documents } = readYaml(text, source)
    this.#faults.push(...faults)
    if (documents > 1) {
      const message = `holds ${documents} YAML documents; like the Collector, only the first is read`
      this.#warn(warning({ code: 'several_documents', message, path: '', place: wholeSource(source) }))
    }
    if (node === undefined || isNull(node)) return mapping([], wholeSource(source))
    if (node.kind === 'map') return splitKeys(node)
    const message = `retrieved value (type=${goType(node)}) cannot be used as a Conf`
    throw new FaultError(error({ code: 'not_a_mapping', message, path: '', place: node.place }))
  }

  #setting(argument: string): Mapping {
    const { source, tree } = setting(argument)
    this.#texts.set(source, argument)
    return tree
  }

  #expanded(tree: Mapping): Mapping | undefined {
    return expand(tree, this.#resolve, (fault) => this.#faults.push(fault))
  }

  readonly #resolve = (inside: string, place: Place): Fragment => {
    const retrieved = retrieve(referenceLocation(inside, place), place, this.#surroundings, this.#warn)
    const result = fragment(retrieved, place)
    if (retrieved.file !== undefined && result.value.place.source === retrieved.file && result.value.kind !== 'scalar')
      this.#texts.set(retrieved.file, retrieved.text)
    return result
  }

  /** A variable that is not set is told of once for each place, however often expansion meets it. */
  readonly #warn = (fault: Fault): void => {
    const { source, line, column } = fault.place
    this.#warnings.set([fault.message, source, line, column].join('\n'), fault)
  }

  #guarded(read: () => Mapping): Mapping | undefined {
    try {
      return read()
    } catch (thrown) {
      if (!(thrown instanceof FaultError)) throw thrown
      this.#faults.push(thrown.fault)
      return undefined
    }
  }

  #complain(code: string, message: string): void {
    this.#faults.push(error({ code, message, path: '', place: wholeSource('--config') }))
  }

  /** The same file or `yaml:` may be given twice; places must still say which is meant. */
  #named(name: string): string {
    let source = name
    for (let count = 2; this.#texts.has(source); count++) source = `${name} (${count})`
    this.#texts.set(source, undefined)
    return source
  }
}
