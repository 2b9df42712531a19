import { parseArgs } from 'node:util'
import { didYouMean } from '../config/nearest.ts'
import { COMMANDS, description, DESCRIPTIONS, EVERYWHERE } from './commands.ts'
import type { Command, CommandDescription, Flag } from './commands.ts'

export interface Arguments {
  readonly command: Command
  /** What followed the command: `receiver door_bell`. */
  readonly words: readonly string[]
  readonly configs: readonly string[]
  readonly sets: readonly string[]
  /** Each with its sign, if it has one. */
  readonly gates: readonly string[]
  readonly help: boolean
  readonly version: boolean
  readonly output: 'text' | 'json' | 'mermaid' | 'dot'
  readonly mode: 'redacted' | 'unredacted'
  readonly format: 'yaml' | 'json'
  readonly validate: boolean
  readonly watchConfig: boolean
  readonly load: boolean
  readonly tap: TapArguments
  readonly loader: LoaderArguments
}

export interface TapArguments {
  readonly endpoint: string
  readonly headers: readonly string[]
  /** What is asked for, as the endpoint has it. */
  readonly query: readonly [string, string][]
}

/** Of `bpf-loader`, as they were written. */
export interface LoaderArguments {
  readonly socket: string | undefined
  readonly user: string | undefined
  readonly mode: string | undefined
  /** Globs on executables that may be probed; undefined where nothing was said. */
  readonly admitted: readonly string[] | undefined
  readonly stats: boolean
}

/** A command line that cannot be understood. */
export class UsageError extends Error {
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.name = 'UsageError'
    this.hint = hint
  }
}

const FLAGS: ReadonlyMap<string, Flag> = new Map(
  [...EVERYWHERE, ...DESCRIPTIONS.flatMap(({ flags }) => flags)].map((flag) => [flag.name, flag]),
)

const OPTIONS = Object.fromEntries(
  [...FLAGS.values()].map(({ name, value, short }) => [
    name,
    { type: value === undefined ? ('boolean' as const) : ('string' as const), ...(short && { short }) },
  ]),
)

/** Reads the command line; throws a `UsageError`. */
export function readArguments(words: readonly string[]): Arguments {
  const { tokens } = parseArgs({ args: [...words], options: OPTIONS, strict: false, tokens: true })
  const positional: string[] = []
  const given: Given[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positional.push(token.value)
    if (token.kind === 'option') given.push({ name: token.name, written: token.rawName, value: token.value })
  }
  for (const { name, written } of given)
    if (!FLAGS.has(name)) throw new UsageError(`unknown flag: ${written}`, didYouMean(name, [...FLAGS.keys()]))
  const [first = 'run', ...rest] = positional
  const command = commandOf(first)
  const about = description(command)
  for (const each of given) checkFlag(each, about)
  const values = (name: string) => given.flatMap((each) => (each.name === name ? (each.value ?? 'true') : []))
  const chosen = (name: string): unknown => values(name).at(-1) ?? flagOf(about, name)?.choices?.[0]
  const asked = (name: string) => values(name).map((value): [string, string] => [name, value])
  const help = values('help').length > 0
  if (!help) checkWords(first, rest, about)
  return {
    command,
    words: rest,
    configs: values('config'),
    sets: values('set'),
    gates: values('feature-gates').flatMap((list) => list.split(',').filter((gate) => gate !== '')),
    help,
    version: values('version').length > 0,
    output: (values('json').length > 0 ? 'json' : (chosen('output') ?? 'text')) as Arguments['output'],
    mode: (chosen('mode') ?? 'redacted') as Arguments['mode'],
    format: (chosen('format') ?? 'yaml') as Arguments['format'],
    validate: values('validate').at(-1) !== 'false',
    load: values('load').length > 0,
    watchConfig: (values('watch-config').at(-1) ?? 'false') !== 'false',
    tap: {
      endpoint: values('endpoint').at(-1) ?? 'localhost:13134',
      headers: values('header'),
      query: ['side', 'filter', 'severity', 'name', 'limit'].flatMap(asked),
    },
    loader: {
      socket: values('socket').at(-1),
      user: values('user').at(-1),
      mode: about.name === 'bpf-loader' ? values('mode').at(-1) : undefined,
      admitted: values('admit-executables').length > 0 ? values('admit-executables').flatMap(globs) : undefined,
      stats: values('stats').length > 0,
    },
  }
}

/** Between commas, but those of `{a,b}`. */
const globs = (list: string): readonly string[] => list.split(/,(?![^{]*\})/).filter((each) => each !== '')

interface Given {
  readonly name: string
  readonly written: string
  readonly value: string | undefined
}

/** The command that a word stands for. */
export function commandOf(word: string): Command {
  const known = DESCRIPTIONS.find(({ name, alias }) => name === word || alias === word)
  if (known !== undefined) return known.name
  throw new UsageError(`unknown command "${word}" for "telegen"`, didYouMean(word, COMMANDS))
}

function checkFlag({ name, written, value }: Given, about: CommandDescription): void {
  const flag = flagOf(about, name)
  if (flag === undefined) throw new UsageError(`unknown flag: ${written}`, elsewhere(name, about))
  if (flag.value !== undefined && value === undefined) throw new UsageError(`flag needs an argument: ${written}`)
  if (flag.value === undefined && value !== undefined && !flag.truth)
    throw new UsageError(`flag takes no argument: ${written}`)
  if (flag.truth && value !== undefined && value !== 'true' && value !== 'false')
    throw new UsageError(`invalid ${name}: "${value}"`, 'write true or false')
  if (flag.choices && !flag.choices.includes(value ?? ''))
    throw new UsageError(`invalid ${name}: "${value}"`, `${name}s are ${flag.choices.join(', ')}`)
}

/** A flag that other commands have. */
function elsewhere(name: string, { name: command }: CommandDescription): string {
  const others = DESCRIPTIONS.filter((each) => each.flags.some((flag) => flag.name === name)).map((each) => each.name)
  return `"${command}" has no such flag; ${others.join(', ')} ${others.length > 1 ? 'have' : 'has'}`
}

const flagOf = ({ flags }: CommandDescription, name: string): Flag | undefined =>
  [...flags, ...EVERYWHERE].find((flag) => flag.name === name)

function checkWords(command: string, given: readonly string[], { words, flags }: CommandDescription): void {
  const usage = words.map(({ name, optional }) => (optional ? `[${name}]` : `<${name}>`)).join(' ')
  if (words.length === 0 && given.length > 0)
    throw new UsageError(
      `"${command}" takes no argument, got "${given.join(' ')}"`,
      flags.some(({ name }) => name === 'config') ? 'write --config before each file' : undefined,
    )
  if (given.length > words.length)
    throw new UsageError(`"${command}" takes ${usage}, got "${given.join(' ')}"`, undefined)
  for (const [index, { name, choices, optional }] of words.entries()) {
    const word = given[index]
    if (word === undefined && !optional)
      throw new UsageError(`"${command}" needs a ${name}: telegen ${command} ${usage}`, choices && among(name, choices))
    // What help is asked about may be an alias, which `helpFor` knows.
    if (word !== undefined && choices && name !== 'command' && !choices.includes(word))
      throw new UsageError(`invalid ${name}: "${word}"`, didYouMean(word, choices) ?? among(name, choices))
  }
}

const among = (name: string, choices: readonly string[]): string => `${name}s are ${choices.join(', ')}`
