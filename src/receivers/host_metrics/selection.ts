import type { OptionFault } from '../../plugin.ts'
import { Choice, Options, StringList, Type, pattern, patternFault } from '../../plugin.ts'

/** Names to report or to leave out. Under its key stands the list, `devices` for one. */
export interface Names {
  readonly match_type: 'strict' | 'regexp'
  readonly [key: string]: readonly string[] | string
}

/** A block such as `include: { devices: [sda], match_type: strict }`. */
export const namesOption = (key: string, what: string) =>
  Type.Optional(
    Type.Unsafe<Names>(
      Options(
        {
          [key]: StringList({ default: [], description: `Names of the ${what}; an empty list means no rule.` }),
          match_type: Choice(['strict', 'regexp'], {
            description: 'Whether names must be equal, or match a regular expression somewhere.',
          }),
        },
        { description: `Which ${what} the rule is about.` },
      ),
    ),
  )

/** Whether a name is to be reported: among the included ones, if any are told, and not among the excluded ones. */
export function selection(
  key: string,
  include: Names | undefined,
  exclude: Names | undefined,
): (name: string) => boolean {
  const included = matcher(key, include)
  const excluded = matcher(key, exclude)
  return (name) => (included === undefined || included(name)) && !excluded?.(name)
}

/** Regular expressions that do not compile. */
export function* selectionFaults(key: string, block: string, names: Names | undefined): Iterable<OptionFault> {
  if (names?.match_type !== 'regexp') return
  for (const [index, source] of listOf(key, names).entries()) {
    const fault = patternFault(source)
    if (fault !== undefined)
      yield { path: [block, key, index], message: `"${source}" is no regular expression: ${fault}` }
  }
}

function matcher(key: string, names: Names | undefined): ((name: string) => boolean) | undefined {
  if (names === undefined || listOf(key, names).length === 0) return undefined
  if (names.match_type === 'strict') {
    const set = new Set(listOf(key, names))
    return (name) => set.has(name)
  }
  const patterns = listOf(key, names).map(pattern)
  return (name) => patterns.some((one) => one.test(name))
}

const listOf = (key: string, names: Names): readonly string[] => names[key] as readonly string[]
