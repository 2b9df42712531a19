import type { CommandDescription, Flag } from '../commands.ts'
import type { Completed } from './completed.ts'

/** For zsh with its completion system (`compinit`). */
export function zsh({ commands, settings }: Completed): string {
  return `#compdef telegen
# Completion of telegen for zsh:  source <(telegen completion zsh)

_telegen_settings() {
  local -a settings=(${settings.join(' ')})
  compadd -S '' -- $settings
}

_telegen() {
  local curcontext="$curcontext" context state line
  local -a commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join('\n')}
  )
  # Flags may stand before the command: then it is a run until a command is there.
  local command=\${words[(r)(${names(commands).join('|')})]:-run}
  case $command in
${commands.map(commandCase).join('\n')}
  esac
  [[ $state == command ]] && _describe -t commands command commands
}

if [[ $funcstack[1] == _telegen ]]; then
  _telegen "$@"
else
  compdef _telegen telegen
fi
`
}

const names = (commands: readonly CommandDescription[]): string[] =>
  commands.flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias]))

function commandCase(command: CommandDescription): string {
  const words = command.words.map(({ name, choices, optional }, index) =>
    quoted(`${index + 2}:${optional ? ':' : ''}${name}:${choices === undefined ? ' ' : `(${choices.join(' ')})`}`),
  )
  const lines = [...command.flags.map(flagSpec), "'1: :->command'", ...words]
  return `    ${names([command]).join('|')})\n      _arguments -C \\\n${lines.map((line) => `        ${line}`).join(' \\\n')} ;;`
}

function flagSpec({ name, value, many, choices, completes, summary }: Flag): string {
  const about = `[${summary.replaceAll(/[[\]:]/g, '\\$&')}]`
  const values = choices ? `(${choices.join(' ')})` : ACTIONS[completes ?? 'none']
  return quoted(`${many ? '*' : ''}--${name}${value === undefined ? about : `=${about}:${name}:${values}`}`)
}

const ACTIONS = { file: '_files', setting: '_telegen_settings', none: ' ' }

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
