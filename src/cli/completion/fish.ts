import type { CommandDescription, Flag } from '../commands.ts'
import type { Completed } from './completed.ts'

/** For fish 3 and newer. */
export function fish({ commands, settings }: Completed): string {
  const all = commands.flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias]))
  return `# Completion of telegen for fish:  telegen completion fish | source

# The words after \`telegen\` that are no flags, nor their values.
function __telegen_words
  set -l skip 0
  for word in (commandline -opc)[2..]
    if test $skip = 1
      set skip 0
    else if string match -qr -- '^--(${valued(commands).join('|')})$' $word
      set skip 1
    else if not string match -q -- '-*' $word
      echo $word
    end
  end
end

function __telegen_command
  set -l words (__telegen_words)
  if contains -- "$words[1]" ${all.join(' ')}
    echo $words[1]
  else
    echo run
  end
end

complete -c telegen -f
complete -c telegen -n 'test (count (__telegen_words)) = 0' -a ${quoted(commands.map(({ name }) => name).join(' '))}
${commands.flatMap((command) => [...flagLines(command, settings), ...wordLines(command)]).join('\n')}
`
}

const valued = (commands: readonly CommandDescription[]): string[] => [
  ...new Set(commands.flatMap(({ flags }) => flags.filter(({ value }) => value !== undefined).map(({ name }) => name))),
]

const isCommand = ({ name, alias }: CommandDescription): string =>
  `contains -- (__telegen_command) ${[name, alias].filter((each) => each !== undefined).join(' ')}`

const flagLines = (command: CommandDescription, settings: readonly string[]): string[] =>
  command.flags.map((flag) =>
    [
      `complete -c telegen -n ${quoted(isCommand(command))} -l ${flag.name}`,
      ...(flag.short === undefined ? [] : [`-s ${flag.short}`]),
      ...value(flag, settings),
      `-d ${quoted(flag.summary.split('. ', 1)[0] as string)}`,
    ].join(' '),
  )

function value({ value: placeholder, choices, completes }: Flag, settings: readonly string[]): string[] {
  if (placeholder === undefined) return []
  if (choices) return ['-x', `-a ${quoted(choices.join(' '))}`]
  if (completes === 'file') return ['-r', '-F']
  return completes === 'setting' ? ['-x', `-a ${quoted(settings.join(' '))}`] : ['-x']
}

const wordLines = (command: CommandDescription): string[] =>
  command.words.flatMap(({ choices }, index) =>
    choices === undefined
      ? []
      : [
          `complete -c telegen -n ${quoted(`${isCommand(command)}; and test (count (__telegen_words)) = ${index + 1}`)} -a ${quoted(choices.join(' '))}`,
        ],
  )

const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`
