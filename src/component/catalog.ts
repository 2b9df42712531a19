import type { Definition, Kind } from './definition.ts'
import { API_VERSION, KINDS } from './definition.ts'

/** How to get a definition without loading it before somebody configures it. */
export interface Entry {
  readonly kind: Kind
  readonly type: string
  readonly aliases?: readonly string[]
  readonly load: () => Promise<Definition>
  /** `built-in`, or the plugin's name as `plugins:` has it. */
  readonly source: string
}

const TYPE = /^[a-z][0-9a-z_]{0,62}$/

/** All component types that this process knows, built-in and from plugins. */
export class Catalog {
  readonly #entries = new Map<string, Entry>()
  readonly #names = new Map<string, string>()

  constructor(entries: Iterable<Entry> = []) {
    for (const entry of entries) this.add(entry)
  }

  /** Throws where the type, or an alias, is already taken. */
  add(entry: Entry): void {
    if (!TYPE.test(entry.type))
      throw new Error(`${entry.source}: "${entry.type}" is not a component type (want ${TYPE.source})`)
    for (const name of [entry.type, ...(entry.aliases ?? [])]) {
      const taken = this.find(entry.kind, name)
      if (taken) throw new Error(`${entry.source}: ${entry.kind} type "${name}" is already taken by ${taken.source}`)
    }
    this.#entries.set(key(entry.kind, entry.type), entry)
    for (const name of [entry.type, ...(entry.aliases ?? [])]) this.#names.set(key(entry.kind, name), entry.type)
  }

  /** Adds a plugin's definition. Throws where it is not one, was built against another contract, or takes an existing type. */
  addPlugin(definition: unknown, source: string): void {
    const { kind, type, apiVersion, aliases } = (definition ?? {}) as Partial<Definition>
    if (kind === undefined || !KINDS.includes(kind) || typeof type !== 'string')
      throw new Error(
        `${source}: exports no component definition (use defineReceiver, defineProcessor, … of telegen/plugin)`,
      )
    if (apiVersion !== API_VERSION)
      throw new Error(
        `${source}: ${kind} "${type}" was built for plugin API ${String(apiVersion)}, this is ${API_VERSION}`,
      )
    this.add({ kind, type, ...(aliases && { aliases }), source, load: async () => definition as Definition })
  }

  /** The entry for a type as written in a configuration: aliases are known, and a hyphen reads as an underscore. */
  find(kind: Kind, written: string): Entry | undefined {
    const type = this.#names.get(key(kind, written.replaceAll('-', '_')))
    return type === undefined ? undefined : this.#entries.get(key(kind, type))
  }

  /** Types of one kind, sorted, without aliases. */
  types(kind: Kind): readonly string[] {
    return this.entries(kind).map((entry) => entry.type)
  }

  /** Everything that a configuration may write for a type of that kind: types and aliases. */
  names(kind: Kind): readonly string[] {
    const prefix = key(kind, '')
    return [...this.#names.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
  }

  entries(kind: Kind): readonly Entry[] {
    return [...this.#entries.values()]
      .filter((entry) => entry.kind === kind)
      .sort((left, right) => (left.type < right.type ? -1 : 1))
  }
}

const key = (kind: Kind, type: string): string => `${kind}/${type}`
