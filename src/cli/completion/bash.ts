import type { CommandDescription, Flag } from '../commands.ts'
import type { Completed } from './completed.ts'

/** For bash 3.2 and newer, without the package bash-completion. */
export function bash({ commands, settings }: Completed): string {
  return `# Completion of telegen for bash:  source <(telegen completion bash)

_telegen() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" command=run position=0 index each
  COMPREPLY=()
  # bash takes "--output=json" for three words.
  if [[ $word == '=' ]]; then word=''; elif [[ $before == '=' ]]; then before="\${COMP_WORDS[COMP_CWORD - 2]}"; fi

  # The command, and how many words stand after it.
  for ((index = 1; index < COMP_CWORD; index++)); do
    each="\${COMP_WORDS[index]}"
    case "$each" in
      ${flagPattern(commands)}) ((index++)); [[ \${COMP_WORDS[index]} == '=' ]] && ((index++)) ;;
      -*) ;;
      *) if ((position == 0)); then command="$each"; fi; ((position++)) ;;
    esac
  done

  case "$command $before" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case "$before" in
    --set)
      compopt -o nospace 2>/dev/null
      COMPREPLY=($(compgen -W '${settings.join(' ')}' -- "$word"))
      return ;;
    --config)
      compopt -o filenames 2>/dev/null
      while IFS= read -r each; do COMPREPLY+=("$each"); done < <(compgen -f -- "$word")
      return ;;
  esac

  if [[ $word == -* ]]; then
    case "$command" in
${commands.map(flagCase).join('\n')}
    esac
    return
  fi
  if ((position == 0)); then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$word"))
    return
  fi
  case "$command $position" in
${commands.flatMap(wordCases).join('\n')}
  esac
}

complete -F _telegen telegen
`
}

/** Flags that have a value. */
function flagPattern(commands: readonly CommandDescription[]): string {
  const names = commands.flatMap(({ flags }) =>
    flags.filter(({ value }) => value !== undefined).map(({ name }) => name),
  )
  return [...new Set(names)].map((name) => `--${name}`).join(' | ')
}

const patternOf = ({ name, alias }: CommandDescription, last: string): string =>
  [name, alias].flatMap((each) => (each === undefined ? [] : [`'${each}${last}'`])).join(' | ')

const valueCases = (command: CommandDescription): string[] =>
  command.flags
    .filter((flag): flag is Flag & { choices: readonly string[] } => flag.choices !== undefined)
    .map(({ name, choices }) => offer(patternOf(command, ` --${name}`), choices))

const flagCase = (command: CommandDescription): string =>
  `  ${offer(
    patternOf(command, ''),
    command.flags.map(({ name }) => `--${name}`),
  )}`

const wordCases = (command: CommandDescription): string[] =>
  command.words.flatMap(({ choices }, index) =>
    choices === undefined ? [] : [offer(patternOf(command, ` ${index + 1}`), choices)],
  )

const offer = (pattern: string, words: readonly string[]): string =>
  `    ${pattern}) COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$word")); return ;;`
