import { parseArgs } from 'node:util'
import { didYouMean } from '../config/nearest.ts'

export const COMMANDS = ['run', 'validate', 'components'] as const
export type Command = (typeof COMMANDS)[number]

export interface Arguments {
  readonly command: Command
  readonly configs: readonly string[]
  readonly sets: readonly string[]
  readonly help: boolean
  readonly version: boolean
  readonly output: 'text' | 'json'
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

const OPTIONS = {
  config: { type: 'string', multiple: true },
  set: { type: 'string', multiple: true },
  output: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

/** Reads the command line; throws a `UsageError`. */
export function readArguments(words: readonly string[]): Arguments {
  const { values, tokens } = parseArgs({
    args: [...words],
    options: OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const commands: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') commands.push(token.value)
    if (token.kind === 'option') checkOption(token.name, token.rawName, token.value)
  }
  const output = single(values.output) ?? 'text'
  if (output !== 'text' && output !== 'json')
    throw new UsageError(`invalid output: "${output}"`, 'outputs are text, json')
  return {
    command: commandOf(commands),
    configs: texts(values.config),
    sets: texts(values.set),
    help: values.help === true,
    version: values.version === true,
    output,
  }
}

function commandOf([command = 'run', ...more]: readonly string[]): Command {
  const known = COMMANDS.find((each) => each === command)
  if (known === undefined)
    throw new UsageError(`unknown command "${command}" for "telegen"`, didYouMean(command, COMMANDS))
  if (more.length > 0)
    throw new UsageError(`"${command}" takes no argument, got "${more.join(' ')}"`, 'write --config before each file')
  return known
}

function checkOption(name: string, written: string, value: string | undefined): void {
  if (!Object.hasOwn(OPTIONS, name)) {
    const near = didYouMean(name, Object.keys(OPTIONS))
    throw new UsageError(`unknown flag: ${written}`, near)
  }
  const { type } = OPTIONS[name as keyof typeof OPTIONS]
  if (type === 'string' && value === undefined) throw new UsageError(`flag needs an argument: ${written}`)
  if (type === 'boolean' && value !== undefined) throw new UsageError(`flag takes no argument: ${written}`)
}

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
const single = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
