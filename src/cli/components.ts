import { stringify } from 'yaml'
import type { Catalog, Entry } from '../component/catalog.ts'
import type { Definition, Kind, Stability } from '../component/definition.ts'
import { SCHEMES } from '../config/sources/location.ts'
import { ownPackage } from './package.ts'

const SECTIONS: readonly (readonly [Kind, string])[] = [
  ['receiver', 'receivers'],
  ['processor', 'processors'],
  ['exporter', 'exporters'],
  ['connector', 'connectors'],
  ['extension', 'extensions'],
]

/**
 * What `telegen components` prints: YAML of the Collector's shape, sorted, without aliases. As JSON it has what editors and
 * pages are made from too: each component's summary, its other names, and the schema of its options.
 */
export async function components(catalog: Catalog, output: 'text' | 'json'): Promise<string> {
  const { description, version } = ownPackage()
  const own = `telegen ${version}`
  const module = (source: string): string => (source === 'built-in' ? own : source)
  const list = (kind: Kind) =>
    Promise.all(
      catalog.entries(kind).map(async (entry) => {
        const definition = await entry.load()
        const { summary, config } = definition
        const listed = described(entry, definition, module)
        return output === 'json' ? { ...listed, aliases: entry.aliases ?? [], summary, config } : listed
      }),
    )
  const sections = await Promise.all(SECTIONS.map(async ([kind, section]) => [section, await list(kind)] as const))
  const all = {
    buildinfo: { command: 'telegen', description, version },
    ...Object.fromEntries(sections),
    providers: SCHEMES.toSorted().map((scheme) => ({ scheme, module: own })),
  }
  return output === 'json' ? `${JSON.stringify(all, undefined, 2)}\n` : stringify(all, { lineWidth: 0 })
}

function described({ type, source }: Entry, definition: Definition, module: (source: string) => string) {
  return { name: type, module: module(source), stability: stabilityOf(definition) }
}

function stabilityOf(definition: Definition): Record<string, string> {
  if (definition.kind !== 'connector')
    return Object.fromEntries(Object.entries(definition.stability).map(([signal, level]) => [signal, capital(level)]))
  return Object.fromEntries(definition.stability.map(({ from, to, level }) => [`${from}-to-${to}`, capital(level)]))
}

const capital = (level: Stability): string => level.charAt(0).toUpperCase() + level.slice(1)
