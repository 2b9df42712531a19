import { builtInCatalog } from '../../builtin.ts'
import { KINDS } from '../../component/definition.ts'
import type { Arguments } from '../arguments.ts'
import { DESCRIPTIONS, EVERYWHERE } from '../commands.ts'
import type { CommandDescription } from '../commands.ts'
import { bash } from './bash.ts'
import { fish } from './fish.ts'
import { zsh } from './zsh.ts'

const WRITE = { bash, zsh, fish }

/** Prints the script for a shell. */
export async function completion({ words }: Arguments, print: (text: string) => number): Promise<number> {
  const write = WRITE[words[0] as keyof typeof WRITE]
  return print(write({ commands: DESCRIPTIONS.map(withCommonFlags), settings: settings() }))
}

const withCommonFlags = (command: CommandDescription): CommandDescription => ({
  ...command,
  flags: [...command.flags, ...EVERYWHERE],
})

/** `receivers.otlp.`, for every built-in type. */
function settings(): string[] {
  const catalog = builtInCatalog()
  const types = KINDS.flatMap((kind) => catalog.types(kind).map((type) => `${kind}s.${type}.`))
  return [...types, 'service.limits.', 'service.telemetry.'].sort()
}
