import { Block, ByteSize, Options, patternFault, Type } from '../../../../plugin.ts'
import type { OptionFault, Static } from '../../../../plugin.ts'
import { ARGUMENT_BYTES_MAX } from './event.ts'

const RULES_MAX = 256

export const execOptions = Options(
  {
    arguments: Type.Boolean({
      default: true,
      description: 'Whether records of programs that start have `process.command_args`, redacted.',
    }),
    command_line: Type.Boolean({
      default: false,
      description: 'Whether they also have `process.command_line`: the same arguments, joined by blanks.',
    }),
    argument_size: ByteSize({
      minimum: 16,
      default: 1024,
      description: `Bytes of a program's arguments that are looked at, ${ARGUMENT_BYTES_MAX} at most. An argument that is cut is left out.`,
    }),
    redaction: Block(
      {
        builtin: Type.Boolean({
          default: true,
          description: 'Whether what looks like a secret is replaced: see the README for the rules.',
        }),
        names: Type.Array(Type.String({ minLength: 1 }), {
          default: [],
          maxItems: RULES_MAX,
          description:
            'Parts of names of options and variables, whose values are replaced: `licence`. Case does not matter.',
        }),
        patterns: Type.Array(Type.String({ minLength: 1 }), {
          default: [],
          maxItems: RULES_MAX,
          description: 'Regular expressions (RE2): an argument in which one of them matches is replaced whole.',
        }),
      },
      { description: 'What is replaced in arguments before they are sent anywhere.' },
    ),
    forks: Type.Boolean({
      default: false,
      description: 'Whether there are records of processes that begin as a copy of another, as workers of a server do.',
    }),
  },
  { description: 'Processes that start and end, as log records.' },
)

export type ExecOptions = Static<typeof execOptions>
export type RedactionOptions = ExecOptions['redaction']

/** What no schema can say; `path` leads here from the component's own body. */
export function* execFaults(options: ExecOptions, path: readonly (string | number)[]): Iterable<OptionFault> {
  if (options.argument_size > ARGUMENT_BYTES_MAX)
    yield { path: [...path, 'argument_size'], message: `must not be greater than ${ARGUMENT_BYTES_MAX}` }
  for (const [at, source] of options.redaction.patterns.entries()) {
    const message = patternFault(source)
    if (message) yield { path: [...path, 'redaction', 'patterns', at], message }
  }
}
