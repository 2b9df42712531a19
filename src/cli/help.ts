import { description, DESCRIPTIONS, EVERYWHERE } from './commands.ts'
import type { Command, CommandDescription, Flag } from './commands.ts'

/** Columns of a terminal that is narrow but not unusual. */
const WIDTH = 100
const COMMAND_COLUMN = 16
const FLAG_COLUMN = 28

/** What `telegen --help` prints: every command in one line. */
export function help(): string {
  const commands = DESCRIPTIONS.map(({ name, summary }) => row(name, summary, COMMAND_COLUMN))
  return [
    'Telegen: a telemetry agent and collector, configured like an OpenTelemetry Collector.',
    '',
    'Usage:',
    '  telegen [run] --config <location>',
    '  telegen <command> [flags]',
    '',
    'Commands:',
    ...commands,
    '',
    ...flagLines([...description('run').flags, ...EVERYWHERE]),
    '',
    'telegen help <command> says more of one.',
    '',
  ].join('\n')
}

/** What `telegen help graph` and `telegen graph --help` print. */
export function helpFor(command: Command): string {
  const about = description(command)
  return [
    about.summary,
    ...(about.about ?? []).flatMap((paragraph) => (paragraph.startsWith(' ') ? [paragraph] : ['', ...wrap(paragraph)])),
    '',
    'Usage:',
    `  ${usage(about)}`,
    ...(about.alias === undefined ? [] : ['', 'Also:', `  telegen ${about.alias}`]),
    ...wordLines(about),
    '',
    ...flagLines([...about.flags, ...EVERYWHERE]),
    '',
    'Example:',
    `  ${about.example}`,
    '',
  ].join('\n')
}

function usage({ name, words, flags }: CommandDescription): string {
  const places = words.map((word) => (word.optional ? `[${word.name}]` : `<${word.name}>`))
  return ['telegen', name, ...places, ...(flags.length > 0 ? ['[flags]'] : [])].join(' ')
}

function wordLines({ words }: CommandDescription): string[] {
  const told = words.filter(({ choices }) => choices !== undefined)
  return told.flatMap(({ name, choices = [] }) => ['', `A ${name} is one of:`, ...wrap(choices.join(', '), '  ')])
}

function flagLines(flags: readonly Flag[]): string[] {
  return ['Flags:', ...flags.map((flag) => row(flagName(flag), flagSummary(flag), FLAG_COLUMN))]
}

const flagName = ({ name, short, value }: Flag): string =>
  `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` <${value}>`}`

const flagSummary = ({ summary, choices = [], chooses, value }: Flag): string => {
  const listed = choices.length > 0 && value !== choices.join('|') ? ` One of ${choices.join(', ')}.` : ''
  return `${summary}${listed}${choices.length > 0 && !chooses ? ` Default ${choices[0]}.` : ''}`
}

function row(name: string, text: string, column: number): string {
  const [first = '', ...rest] = wrap(text, ' '.repeat(column))
  const head = `  ${name}`
  if (head.length + 2 > column) return [head, first, ...rest].join('\n')
  return [head.padEnd(column) + first.slice(column), ...rest].join('\n')
}

/** Lines of `WIDTH` columns at most, broken between words. */
function wrap(text: string, indent = ''): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, indent + line]
}
