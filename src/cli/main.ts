#!/usr/bin/env node
import { builtInCatalog } from '../builtin.ts'
import { check } from '../config/check.ts'
import type { Checked } from '../config/check.ts'
import type { Fault } from '../config/fault.ts'
import { load } from '../config/load.ts'
import type { Loaded } from '../config/load.ts'
import { loadPlugins } from '../config/plugins.ts'
import { readArguments, UsageError } from './arguments.ts'
import type { Arguments } from './arguments.ts'
import { HELP } from './help.ts'
import { ownPackage } from './package.ts'
import { printFaults } from './print-faults.ts'

/** Runs the command line; resolves to the exit code. */
async function main(words: readonly string[]): Promise<number> {
  try {
    const given = readArguments(words)
    if (given.help) return print(HELP)
    if (given.version) return print(`telegen version ${ownPackage().version}\n`)
    return await command(given)
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown
    process.stderr.write(`Error: ${thrown.message}\n`)
    if (thrown.hint !== undefined) process.stderr.write(`  = ${thrown.hint}\n`)
    process.stderr.write('See telegen --help.\n')
    return 2
  }
}

function command(given: Arguments): Promise<number> {
  switch (given.command) {
    case 'run':
      return runCommand(given)
    case 'validate':
      return validateCommand(given)
    case 'components':
      return componentsCommand(given)
  }
}

interface Read {
  readonly loaded: Loaded
  readonly checked: Checked
}

async function read({ configs, sets }: Arguments): Promise<Read> {
  if (configs.length === 0)
    throw new UsageError('at least one config flag must be provided', 'telegen --config agent.yaml')
  const loaded = load({ configs, sets })
  return { loaded, checked: await check(loaded, builtInCatalog()) }
}

async function runCommand(given: Arguments): Promise<number> {
  const { loaded, checked } = await read(given)
  const { configuration, faults, warnings } = checked
  printFaults([...faults, ...warnings], loaded)
  if (configuration === undefined) return 1
  const [{ run }, { CreateFailed }, { createFault }] = await Promise.all([
    import('./run.ts'),
    import('../graph/components.ts'),
    import('./dry-run.ts'),
  ])
  try {
    return await run(configuration)
  } catch (thrown) {
    if (!(thrown instanceof CreateFailed)) throw thrown
    printFaults([createFault(thrown, configuration, loaded.root)], loaded)
    return 1
  }
}

async function validateCommand(given: Arguments): Promise<number> {
  const { loaded, checked } = await read(given)
  const faults: readonly Fault[] =
    checked.configuration === undefined
      ? checked.faults
      : (await import('./dry-run.ts')).dryRun(checked.configuration, loaded)
  const told = [...faults, ...checked.warnings]
  if (told.length > 0 || given.output === 'json') printFaults(told, loaded, given.output)
  return faults.length > 0 ? 1 : 0
}

async function componentsCommand({ configs, sets, output }: Arguments): Promise<number> {
  const catalog = builtInCatalog()
  const faults: Fault[] = []
  if (configs.length > 0) {
    const loaded = load({ configs, sets })
    faults.push(...loaded.faults)
    if (loaded.root) await loadPlugins(loaded.root, loaded.directory, catalog, (fault) => faults.push(fault))
    printFaults(faults, loaded)
  }
  const { components } = await import('./components.ts')
  print(await components(catalog, output))
  return faults.length > 0 ? 1 : 0
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

const code = await main(process.argv.slice(2))
await Promise.all([process.stdout, process.stderr].map(written))
process.exit(code)

/** Resolves when what was written has left the process: a pipe takes long texts bit by bit, and an exit cuts them off. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  // Whoever read it may have gone (`telegen components | head`): then there is nobody to tell.
  stream.once('error', () => {})
  return new Promise((resolve) => stream.write('', () => resolve()))
}
