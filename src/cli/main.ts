#!/usr/bin/env node
import type { Fault } from '../config/fault.ts'
import { readArguments, UsageError } from './arguments.ts'
import type { Arguments } from './arguments.ts'
import { ownPackage } from './package.ts'
import { printFaults } from './print-faults.ts'
import { known, read } from './read.ts'

/** Runs the command line; resolves to the exit code. */
async function main(words: readonly string[]): Promise<number> {
  try {
    const given = readArguments(words)
    if (given.help) return await helpCommand(given, words)
    if (given.version) return print(`telegen version ${ownPackage().version}\n`)
    if (given.gates.length > 0) await tellGates(given.gates)
    return await command(given)
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown
    return fail(thrown.message, thrown.hint, 'See telegen --help.')
  }
}

/** A command's code is imported when it is called for: a run loads nothing of the others. */
async function command(given: Arguments): Promise<number> {
  switch (given.command) {
    case 'run':
      return runCommand(given)
    case 'validate':
      return validateCommand(given)
    case 'components':
      return componentsCommand(given)
    case 'print-config':
      return (await import('./print-config.ts')).printConfig(given, print)
    case 'graph':
      return (await import('./graph.ts')).graph(given, print)
    case 'tap':
      return (await import('./tap.ts')).tap(given)
    case 'doctor':
      return (await import('./doctor.ts')).doctor(given, print)
    case 'bpf-loader':
      return (await import('./bpf-loader.ts')).bpfLoader(given)
    case 'schema':
      return (await import('./schema.ts')).schema(given, print)
    case 'create':
      return (await import('./create/create.ts')).create(given, print)
    case 'completion':
      return (await import('./completion/completion.ts')).completion(given, print)
    case 'featuregate':
      return featureGateCommand(given)
    case 'help':
      return helpCommand(given, given.words)
  }
}

async function runCommand(given: Arguments): Promise<number> {
  const first = await read(given)
  const { loaded, checked } = first
  const { configuration, faults, warnings } = checked
  printFaults([...faults, ...warnings], loaded)
  if (configuration === undefined) return 1
  const [{ run }, { CreateFailed }] = await Promise.all([import('./run.ts'), import('../graph/components.ts')])
  try {
    return await run({ ...first, configuration }, { read: () => read(given), watch: given.watchConfig })
  } catch (thrown) {
    if (!(thrown instanceof CreateFailed)) throw thrown
    const { dryRun } = await import('../service/dry-run.ts')
    printFaults(dryRun(configuration, loaded), loaded)
    return 1
  }
}

async function validateCommand(given: Arguments): Promise<number> {
  const { loaded, checked } = await read(given)
  const { configuration } = checked
  const faults: readonly Fault[] =
    configuration === undefined ? checked.faults : (await import('../service/dry-run.ts')).dryRun(configuration, loaded)
  const division = configuration ? (await import('../service/division-faults.ts')).divisionFaults(configuration) : []
  const told = [...faults, ...checked.warnings, ...division]
  const output = given.output === 'json' ? 'json' : 'text'
  if (told.length > 0 || output === 'json') printFaults(told, loaded, output)
  return faults.length > 0 ? 1 : 0
}

async function componentsCommand(given: Arguments): Promise<number> {
  const { catalog, sound } = await known(given)
  const { components } = await import('./components.ts')
  print(await components(catalog, given.output === 'json' ? 'json' : 'text'))
  return sound ? 0 : 1
}

async function featureGateCommand({ words: [id] }: Arguments): Promise<number> {
  const { gateTable } = await import('./feature-gates.ts')
  const told = gateTable(id)
  return told === undefined ? fail(`feature "${id}" not found`, 'telegen featuregate lists them') : print(told)
}

async function tellGates(gates: readonly string[]): Promise<void> {
  const { unmetGates } = await import('./feature-gates.ts')
  for (const warning of unmetGates(gates)) process.stderr.write(`Warning: ${warning}\n`)
}

/** `telegen --help` is about everything; `telegen graph --help` and `telegen help graph` are about one command. */
async function helpCommand({ command: name }: Arguments, words: readonly string[]): Promise<number> {
  const [{ help, helpFor }, { commandOf }] = await Promise.all([import('./help.ts'), import('./arguments.ts')])
  const asked = name === 'help' ? words.find((word) => word !== 'help' && !word.startsWith('-')) : named(name, words)
  return print(asked === undefined ? help() : helpFor(commandOf(asked)))
}

const named = (name: string, words: readonly string[]): string | undefined =>
  name !== 'run' || words.includes('run') ? name : undefined

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

function fail(message: string, ...more: readonly (string | undefined)[]): number {
  process.stderr.write(`Error: ${message}\n`)
  const [hint, last] = more
  if (hint !== undefined) process.stderr.write(`  = ${hint}\n`)
  if (last !== undefined) process.stderr.write(`${last}\n`)
  return last === undefined ? 1 : 2
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
