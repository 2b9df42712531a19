import { readFileSync, statSync } from 'node:fs'
import { registerHooks } from 'node:module'
import type { ResolveHookContext } from 'node:module'
import { isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Imports a plugin as if a module in `folder` did: `./my-receiver.js`, a folder with a package.json, or an npm package.
 * What plugins import as `telegen`, `telegen/plugin` or `telegen/testing` is this very copy, wherever they are installed:
 * a second one would bring classes (`Refused`, `Secret`) that the engine does not know.
 */
export async function importPlugin(name: string, folder: string): Promise<Record<string, unknown>> {
  registerOnce()
  resolved.clear()
  const from = pathToFileURL(`${folder}/`).href
  if (!isPath(name)) return imported(name, from)
  const path = resolve(folder, name)
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return imported(pathToFileURL(path).href, from)
  const { name: itself, exports, main = 'index.js' } = packageOf(path)
  // A package with `exports` may import itself by name, which leaves their conditions to Node.
  if (exports !== undefined && itself !== undefined) return imported(itself, pathToFileURL(`${path}/`).href)
  return imported(pathToFileURL(join(path, main)).href, from)
}

/** Files that the last import asked for, the last one last: where to look for what is wrong with it. */
export const lastImported = (): readonly string[] => [...resolved]

const resolved = new Set<string>()

export const isPath = (name: string): boolean => name.startsWith('./') || name.startsWith('../') || isAbsolute(name)

interface Package {
  readonly name?: string
  readonly exports?: unknown
  readonly main?: string
}

function packageOf(path: string): Package {
  const file = join(path, 'package.json')
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Package
  } catch (thrown) {
    throw new Error(`${file}: ${(thrown as Error).message}`, { cause: thrown })
  }
}

/** Modules here are `.ts` when run from source and `.js` when built. */
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const OWN = new Map(
  Object.entries({ telegen: 'index', 'telegen/plugin': 'plugin', 'telegen/testing': 'testing' }).map(
    ([name, module]) => [name, new URL(`../${module}.${EXTENSION}`, import.meta.url).href],
  ),
)

/** `import()` always resolves from the module it stands in; this carries another one to the hook. */
const SCHEME = 'telegen-plugin:'

async function imported(specifier: string, from: string): Promise<Record<string, unknown>> {
  const query = new URLSearchParams({ specifier, from })
  return (await import(`${SCHEME}?${query.toString()}`)) as Record<string, unknown>
}

let registered = false

function registerOnce(): void {
  if (registered) return
  registered = true
  registerHooks({
    resolve(specifier, context, next) {
      const own = OWN.get(specifier)
      if (own !== undefined) return next(own, context)
      const found = specifier.startsWith(SCHEME) ? next(...carried(specifier, context)) : next(specifier, context)
      if (resolved.size < MAX_RESOLVED) resolved.add(found.url)
      return found
    },
  })
}

/** Enough to find a fault in a plugin's own files; what a large one imports further is not remembered. */
const MAX_RESOLVED = 50

function carried(specifier: string, context: ResolveHookContext): [string, ResolveHookContext] {
  const query = new URL(specifier).searchParams
  return [query.get('specifier') ?? '', { ...context, parentURL: query.get('from') ?? undefined }]
}
