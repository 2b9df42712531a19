import { dirname, resolve } from 'node:path'
import type { Catalog } from '../component/catalog.ts'
import { decode } from './decode/decode.ts'
import { spot } from './decode/spot.ts'
import { error } from './fault.ts'
import type { Fault } from './fault.ts'
import { masking } from './masking.ts'
import { isNull } from './node.ts'
import type { Item, Mapping } from './node.ts'
import type { Place } from './place.ts'
import { shown } from './place.ts'
import { importPlugin, isPath, lastImported } from './plugin-imports.ts'

/** How long a plugin's module may take to load, in milliseconds. */
export const LOAD_TIMEOUT = 30_000

/**
 * Loads what `plugins:` names into the catalog: files and npm packages, found from the folder of the configuration that
 * names them. One that cannot be loaded or taken is refused by name, and the rest are loaded all the same.
 */
export async function loadPlugins(
  root: Mapping,
  directory: string,
  catalog: Catalog,
  report: (fault: Fault) => void,
): Promise<void> {
  const item = root.entries.get('plugins')
  if (item === undefined || isNull(item.node)) return
  const at = { ...spot('plugins'), name: 'plugins' }
  const mask = masking(item.node)
  const names = (decode({ type: 'array', items: { type: 'string' } }, item.node, at) ?? []) as (string | undefined)[]
  at.faults.forEach(report)
  for (const [index, name] of names.entries()) {
    if (name === undefined) continue
    const place = placeOfName(item, index)
    try {
      await load(name, folderOf(place.source, directory), catalog)
    } catch (thrown) {
      const text = thrown instanceof Error ? thrown.message : String(thrown)
      const why = mask(text.startsWith(`${name}: `) ? text.slice(name.length + 2) : text)
      const { pluginPlace } = await import('./plugin-fault.ts')
      const where = await pluginPlace(thrown, lastImported(), directory)
      const message = `plugin ${shown(name, place)}: ${where === undefined ? '' : `${mask(where)}: `}${why}`
      report(error({ code: 'plugin_refused', message, path: 'plugins', place, hint: missing(thrown, name, place) }))
    }
  }
}

function missing(thrown: unknown, name: string, place: Place): string | undefined {
  const { code, message } = (thrown ?? { message: '' }) as NodeJS.ErrnoException
  if (code !== 'ERR_MODULE_NOT_FOUND' || place.reference !== undefined) return undefined
  if (isPath(name)) return 'paths start from the folder of the configuration that names them'
  return message.includes(`'${name}'`) ? `install it there: npm install ${name}` : undefined
}

/** The folder of the file that names a plugin; for a document of the network it is the working directory. */
const folderOf = (source: string, directory: string): string =>
  /^https?:/.test(source) ? directory : resolve(directory, dirname(source))

async function load(name: string, folder: string, catalog: Catalog): Promise<void> {
  const plugin = await withinTime(importPlugin(name, folder))
  for (const definition of definitionsOf(plugin)) {
    const { config, create } = (definition ?? {}) as { readonly config?: unknown; readonly create?: unknown }
    if (typeof config !== 'object' || config === null || typeof create !== 'function')
      throw new Error('exports no component definition (use defineReceiver, defineProcessor, … of telegen/plugin)')
    catalog.addPlugin(definition, name)
  }
}

/** The default export: a definition, a list of them, or `{ components }`. */
function definitionsOf(plugin: Record<string, unknown>): readonly unknown[] {
  const exported = plugin['default']
  if (exported === undefined) throw new Error('has no default export')
  if (Array.isArray(exported)) return exported
  const { components } = (exported ?? {}) as { readonly components?: unknown }
  return Array.isArray(components) ? components : [exported]
}

async function withinTime<T>(loading: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`did not load within ${LOAD_TIMEOUT / 1000} s`)), LOAD_TIMEOUT)
  try {
    return await Promise.race([loading, promise])
  } finally {
    clearTimeout(timer)
  }
}

const placeOfName = (item: Item, index: number): Place =>
  (item.node.kind === 'list' ? item.node.items[index]?.place : undefined) ?? item.node.place
