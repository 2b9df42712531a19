import { Options, Type } from '../../../plugin.ts'
import type { OptionFault, Static } from '../../../plugin.ts'
import { globFault } from './glob.ts'

const Globs = (description: string) => Type.Optional(Type.Array(Type.String(), { description, maxItems: MOST }))

/** Of each kind in a matcher, and of matchers. */
const MOST = 256

/** Says which processes are meant: those of which all that it names is true. Of each kind, one of the list is enough. */
export const Matcher = Options({
  ports: Type.Optional(
    Type.Array(Type.Union([Type.Integer(), Type.String()]), {
      description: 'TCP ports that the process listens on: `443`, `8000-8999`.',
      maxItems: MOST,
    }),
  ),
  executables: Globs('Globs on the path of the executable: `/usr/sbin/nginx`, `/opt/**`.'),
  names: Globs("Globs on the process's name or its executable's: `node`, `python*`."),
  pids: Type.Optional(
    Type.Array(Type.Integer({ minimum: 1, maximum: 4_194_304 }), { description: 'Process ids.', maxItems: MOST }),
  ),
  cgroups: Globs('Globs on the path of the cgroup: `/system.slice/nginx.service`, `/kubepods.slice/**`.'),
  container_ids: Globs('Container ids, their beginnings (12 characters or more), or globs.'),
  environment: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description: 'Variables that the process was started with, and globs on their values: all must fit.',
    }),
  ),
})

export const Matchers = (description: string) => Type.Array(Matcher, { default: [], description, maxItems: MOST })

/** `include` and `exclude` of the receiver. */
export const selectionProperties = {
  include: Matchers('Processes that are traced: those that any of these fits. All, where there are none.'),
  exclude: Matchers('Processes that are left out of those. Telegen itself always is.'),
}

export type MatcherOptions = Static<typeof Matcher>
export interface SelectionOptions {
  readonly include: readonly MatcherOptions[]
  readonly exclude: readonly MatcherOptions[]
}

export interface PortRange {
  readonly first: number
  readonly last: number
}

/** What no schema can say: for the receiver's `check`. */
export function* selectionFaults(options: SelectionOptions): Iterable<OptionFault> {
  for (const list of ['include', 'exclude'] as const)
    for (const [at, matcher] of options[list].entries()) yield* matcherFaults(matcher, [list, at])
}

function* matcherFaults(matcher: MatcherOptions, path: readonly (string | number)[]): Iterable<OptionFault> {
  if (Object.values(matcher).every((each) => each === undefined || Object.keys(each).length === 0))
    yield { path, message: 'must name something of the process: an empty matcher would fit every process' }
  for (const [at, port] of (matcher.ports ?? []).entries()) {
    const message = portFault(port)
    if (message) yield { path: [...path, 'ports', at], message }
  }
  for (const kind of ['executables', 'names', 'cgroups', 'container_ids'] as const)
    for (const [at, source] of (matcher[kind] ?? []).entries()) {
      const message = globFault(source)
      if (message) yield { path: [...path, kind, at], message }
    }
  for (const [name, source] of Object.entries(matcher.environment ?? {})) {
    // A variable that is there and empty is something to look for.
    const message = source === '' ? undefined : globFault(source)
    if (message) yield { path: [...path, 'environment', name], message }
    if (name === '' || name.includes('='))
      yield { path: [...path, 'environment'], message: `"${name}" is not a variable's name` }
  }
}

function portFault(written: number | string): string | undefined {
  const range = portRange(written)
  if (!range) return `${JSON.stringify(written)} is neither a port nor a range of ports such as "8000-8999"`
  const { first, last } = range
  if (first < 1 || last > 65535) return `${JSON.stringify(written)} is not within 1 and 65535`
  if (first > last) return `the range ${JSON.stringify(written)} is reversed: did you mean "${last}-${first}"?`
  return undefined
}

/** Undefined where it is neither a port nor a range; of what has a fault, the ends as they are written. */
export function portRange(written: number | string): PortRange | undefined {
  const found = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(String(written))
  if (!found) return undefined
  const first = Number(found[1])
  return { first, last: found[2] === undefined ? first : Number(found[2]) }
}
