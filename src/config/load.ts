import { expand } from './expand/expand.ts'
import type { Fragment } from './expand/fragment.ts'
import { fragment } from './expand/fragment.ts'
import { error, FaultError, inOrder, warning } from './fault.ts'
import type { Fault } from './fault.ts'
import { merge, splitKeys } from './merge.ts'
import { overridden } from './overridden.ts'
import type { Overridden, Source } from './overridden.ts'
import { goType, isNull, mapping, scalar } from './node.ts'
import type { Mapping } from './node.ts'
import type { Place } from './place.ts'
import { wholeSource } from './place.ts'
import { setting } from './setting.ts'
import { filesOf } from './sources/directory.ts'
import { referenceLocation, sourceLocation } from './sources/location.ts'
import type { Location } from './sources/location.ts'
import { NotFetched, retrieve } from './sources/retrieve.ts'
import type { Retrieved, Surroundings } from './sources/retrieve.ts'
import { printableUrl } from './sources/url.ts'
import { readYaml } from './yaml/read.ts'

/** `--config` and `--set` together, the files of a folder counted each. */
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
  /** Where values stand that a schema calls secret, once `check` has found them: code frames go without. */
  readonly secrets: Place[]
  readonly directory: string
  /** Files and folders on this machine that were read, or were to be: paths as written. */
  readonly files: ReadonlySet<string>
  /** Lists that a later source replaced: what explains why a component is not used. */
  readonly overridden: readonly Overridden[]
  /** Addresses that must be fetched before all can be read (`load-remote.ts`). */
  readonly needed: readonly string[]
}

/** Reads, merges and expands all sources of a configuration. Nothing is thrown: what is wrong is in `faults`. */
export function load(options: LoadOptions): Loaded {
  const loading = new Loading({
    environment: options.environment ?? process.env,
    directory: options.directory ?? process.cwd(),
    fetched: options.fetched ?? new Map(),
  })
  return loading.load(options.configs, options.sets ?? [])
}

class Loading {
  readonly #surroundings: Surroundings
  readonly #faults: Fault[] = []
  readonly #warnings = new Map<string, Fault>()
  readonly #texts = new Map<string, string | undefined>()
  readonly #needed = new Set<string>()
  readonly #files = new Set<string>()

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
  }

  load(configs: readonly string[], sets: readonly string[]): Loaded {
    const trees = [
      ...configs.slice(0, MAX_SOURCES).flatMap((config) => this.#guarded(() => this.#sources(config))),
      ...sets.slice(0, MAX_SOURCES).flatMap((set) => this.#guarded(() => [this.#setting(set)])),
    ]
    if (Math.max(configs.length + sets.length, trees.length) > MAX_SOURCES)
      this.#complain('too_many_sources', `more than ${MAX_SOURCES} sources`)
    if (configs.length === 0) this.#complain('no_source', 'at least one config flag must be provided')
    const complete = this.#faults.length === 0 && this.#needed.size === 0 && trees.length > 0
    const merged = complete ? overridden(trees) : undefined
    for (const fault of merged?.warnings ?? []) this.#warn(fault)
    const root = complete ? this.#expanded(trees.map(({ tree }) => tree).reduce(merge)) : undefined
    const sources = [...this.#texts.keys()]
    return {
      root,
      faults: inOrder(this.#faults, sources),
      warnings: inOrder([...this.#warnings.values()], sources),
      texts: this.#texts,
      secrets: [],
      directory: this.#surroundings.directory,
      files: this.#files,
      overridden: merged?.lists ?? [],
      needed: [...this.#needed],
    }
  }

  /** The sources that an argument names: one, or all files of a folder. */
  #sources(argument: string): Source[] {
    const place = wholeSource(argument)
    const location = sourceLocation(argument, place)
    if (location.scheme === 'file') this.#files.add(location.opaque)
    const files = location.scheme === 'file' ? filesOf(location.opaque, this.#surroundings.directory, place) : undefined
    if (files === undefined) return [{ kind: 'config', tree: this.#source(location, argument) }]
    return files.flatMap((file) =>
      this.#guarded(() => [{ kind: 'folder', tree: this.#source({ scheme: 'file', opaque: file }, file) }]),
    )
  }

  #source(location: Location, argument: string): Mapping {
    const source = this.#named(nameOf(location, argument))
    const retrieved = this.#retrieved(location, wholeSource(source))
    if (retrieved === undefined) return mapping([], wholeSource(source))
    const { text } = retrieved
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
    const hint = 'a configuration is a mapping: receivers, processors, exporters, service'
    throw new FaultError(error({ code: 'not_a_mapping', message, path: '', place: node.place, hint }))
  }

  #setting(argument: string): Source {
    const { source, tree } = setting(argument)
    this.#texts.set(source, argument)
    return { kind: 'setting', tree }
  }

  #expanded(tree: Mapping): Mapping | undefined {
    return expand(tree, this.#resolve, (fault) => this.#faults.push(fault))
  }

  readonly #resolve = (inside: string, place: Place): Fragment => {
    const location = referenceLocation(inside, place)
    const retrieved = this.#retrieved(location, place)
    if (retrieved === undefined) return { value: scalar(null, place), text: '' }
    const { text, isDefault } = retrieved
    if (location.scheme === 'env' && !isDefault && text.includes('$')) this.#warn(dollar(location.opaque, place))
    const result = fragment(retrieved, place)
    if (retrieved.file !== undefined && result.value.place.source === retrieved.file && result.value.kind !== 'scalar')
      this.#texts.set(retrieved.file, text)
    return result
  }

  /** Undefined where it is on the network and not fetched yet: then nothing of this reading is kept. */
  #retrieved(location: Location, place: Place): Retrieved | undefined {
    if (location.scheme === 'file') this.#files.add(location.opaque)
    try {
      return retrieve(location, place, this.#surroundings, this.#warn)
    } catch (thrown) {
      if (!(thrown instanceof NotFetched)) throw thrown
      this.#needed.add(thrown.url)
      return undefined
    }
  }

  /** A variable that is not set is told of once for each place, however often expansion meets it. */
  readonly #warn = (fault: Fault): void => {
    const { source, line, column } = fault.place
    this.#warnings.set([fault.message, source, line, column].join('\n'), fault)
  }

  #guarded(read: () => readonly Source[]): readonly Source[] {
    try {
      return read()
    } catch (thrown) {
      if (!(thrown instanceof FaultError)) throw thrown
      this.#faults.push(thrown.fault)
      return []
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

/** What faults call a source. */
function nameOf({ scheme, opaque }: Location, argument: string): string {
  if (scheme === 'file') return opaque
  if (scheme === 'http' || scheme === 'https') return printableUrl(argument)
  return scheme === 'env' ? argument : 'yaml:'
}

function dollar(opaque: string, place: Place): Fault {
  const name = opaque.split(':-')[0] as string
  const message = `environment variable ${JSON.stringify(name)} holds "$": as in the Collector, "$$" in it becomes "$" and "\${…}" is expanded`
  const hint = `to take it as it is: \${rawenv:${opaque}}`
  return warning({ code: 'dollar_in_variable', message, path: '', place, hint })
}
