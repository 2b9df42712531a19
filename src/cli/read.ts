import { builtInCatalog } from '../builtin.ts'
import type { Catalog } from '../component/catalog.ts'
import { check } from '../config/check.ts'
import type { Checked } from '../config/check.ts'
import { loadRemote } from '../config/load-remote.ts'
import type { Loaded } from '../config/load.ts'
import { loadPlugins } from '../config/plugins.ts'
import type { Fault } from '../config/fault.ts'
import { UsageError } from './arguments.ts'
import type { Arguments } from './arguments.ts'
import { printFaults } from './print-faults.ts'

export interface Read {
  readonly loaded: Loaded
  readonly catalog: Catalog
  readonly checked: Checked
}

/** Loads and checks what `--config` and `--set` name; `machine` says whether the files that options name are looked at too. */
export async function read({ configs, sets }: Arguments, { machine = true } = {}): Promise<Read> {
  needsConfig(configs)
  const loaded = await loadRemote({ configs, sets })
  const catalog = builtInCatalog()
  return { loaded, catalog, checked: await check(loaded, catalog, { machine }) }
}

export interface Known {
  readonly catalog: Catalog
  /** Undefined where no configuration was named. */
  readonly loaded: Loaded | undefined
  /** False where a plugin, or the configuration itself, could not be read: that has been told. */
  readonly sound: boolean
}

/** The built-in components, and those of plugins that `--config` names. */
export async function known({ configs, sets }: Arguments): Promise<Known> {
  const catalog = builtInCatalog()
  if (configs.length === 0) return { catalog, loaded: undefined, sound: true }
  const loaded = await loadRemote({ configs, sets })
  const faults: Fault[] = [...loaded.faults]
  if (loaded.root) await loadPlugins(loaded.root, loaded.directory, catalog, (fault) => faults.push(fault))
  printFaults(faults, loaded)
  return { catalog, loaded, sound: faults.length === 0 }
}

export function needsConfig(configs: readonly string[]): void {
  if (configs.length === 0)
    throw new UsageError('at least one config flag must be provided', 'telegen --config agent.yaml')
}
