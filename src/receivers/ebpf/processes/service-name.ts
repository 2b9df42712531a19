import { posix } from 'node:path'
import type { Attributes } from '../../../plugin.ts'

/**
 * What a process says of its service by the variables of the OpenTelemetry SDKs: `OTEL_SERVICE_NAME`, and those of
 * `OTEL_RESOURCE_ATTRIBUTES` that are about the service and where it is deployed.
 */
export function declaredService(environment: ReadonlyMap<string, string>): Record<string, string> {
  const declared: Record<string, string> = {}
  for (const pair of (environment.get('OTEL_RESOURCE_ATTRIBUTES') ?? '').split(',', MOST_PAIRS)) {
    const at = pair.indexOf('=')
    const key = pair.slice(0, Math.max(at, 0)).trim()
    if (!/^(?:service|deployment)\.[\w.]+$/.test(key)) continue
    const value = decoded(pair.slice(at + 1).trim())
    if (value) declared[key] = value
  }
  const name = environment.get('OTEL_SERVICE_NAME')?.trim()
  if (name) declared['service.name'] = name
  return declared
}

const MOST_PAIRS = 64

/** Values are percent-encoded (W3C Baggage); one that is not well-formed says nothing. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** The executable's name; for an interpreter that of what it runs, where that is clear. */
export function serviceName(executable: string, given: readonly string[]): string {
  const name = posix.basename(executable)
  const interpreter = INTERPRETERS.find(({ is }) => is.test(name))
  return (interpreter && interpreter.runs(given.slice(1))) ?? name
}

/** What is certain by the executable's own file: /proc/PID/exe leads through all links, so that `node` is not bun or deno in disguise. */
export function runtimeOf(executable: string): Attributes {
  const name = posix.basename(executable)
  if (/^node(?:js)?$/.test(name)) return { 'process.runtime.name': 'nodejs' }
  if (/^python\d\.\d+$/.test(name)) return { 'process.runtime.name': 'cpython' }
  return {}
}

type Runs = (given: readonly string[]) => string | undefined

const runsNode: Runs = (given) => {
  for (let at = 0; at < given.length; at++) {
    const each = given[at] as string
    if (each === '--') return script(given[at + 1])
    if (!each.startsWith('-')) return script(each)
    if (/^(?:-e|-p|-pe|--eval|--print|-i|--interactive|--test|-)$/.test(each)) return undefined
    if (NODE_WITH_VALUE.has(each)) at++
  }
  return undefined
}

const NODE_WITH_VALUE = words(
  '-r --require --import --loader --experimental-loader -C --conditions --env-file --env-file-if-exists --title',
  '--icu-data-dir --openssl-config --watch-path --diagnostic-dir',
)

const runsPython: Runs = (given) => {
  for (let at = 0; at < given.length; at++) {
    const each = given[at] as string
    if (!each.startsWith('-')) return script(each)
    if (each === '-' || each === '--') return undefined
    if (each.startsWith('--')) continue
    // Letters may stand together, and the one that takes a value stands last: `-Im http.server`.
    const letters = /^-([^cmWXQ]*)([cmWXQ]?)(.*)$/.exec(each)
    const [, , takesValue, rest] = letters ?? []
    if (takesValue === 'c') return undefined
    if (takesValue === 'm') return fit(rest || given[at + 1])
    if (takesValue && !rest) at++
  }
  return undefined
}

const runsJava: Runs = (given) => {
  for (let at = 0; at < given.length; at++) {
    const each = given[at] as string
    if (each === '-jar') return archive(given[at + 1])
    if (each === '-m' || each === '--module') return fit(given[at + 1]?.split('/').at(-1))
    if (each.startsWith('--module=')) return fit(each.slice('--module='.length).split('/').at(-1))
    if (JAVA_WITH_VALUE.has(each)) at++
    // `@file` holds arguments that nobody has read.
    else if (each.startsWith('@')) return undefined
    else if (!each.startsWith('-')) return fit(each)
  }
  return undefined
}

const JAVA_WITH_VALUE = words(
  '-cp -classpath --class-path -p --module-path --upgrade-module-path --add-modules --add-reads --add-exports',
  '--add-opens --limit-modules --patch-module --source',
)

const INTERPRETERS: readonly { readonly is: RegExp; readonly runs: Runs }[] = [
  { is: /^node(?:js)?$/, runs: runsNode },
  { is: /^python[\d.]*$/, runs: runsPython },
  { is: /^java$/, runs: runsJava },
]

function words(...lines: readonly string[]): ReadonlySet<string> {
  return new Set(lines.flatMap((line) => line.split(' ')))
}

/** `/srv/shop/index.js` is `shop`: a name that every service has says nothing, and the folder of an absolute path does. */
function script(path: string | undefined): string | undefined {
  if (!path) return undefined
  const name = posix.basename(path).replace(/\.(?:[cm]?[jt]s|pyc?|pyz)$/, '')
  if (!EVERYBODYS.has(name)) return fit(name)
  const folder = posix.basename(posix.dirname(path))
  return posix.isAbsolute(path) && !PARTS.has(folder) ? fit(folder) : undefined
}

const EVERYBODYS = new Set(['index', 'main', '__main__'])
const PARTS = new Set(['', 'bin', 'build', 'dist', 'lib', 'src', 'app', 'out'])

/** `/opt/shop-1.4.2.jar` is `shop`. */
const archive = (path: string | undefined): string | undefined =>
  path
    ? fit(
        posix
          .basename(path)
          .replace(/\.[jw]ar$/, '')
          .replace(/-\d[\w.]*(?:-SNAPSHOT)?$/, ''),
      )
    : undefined

/** Numbers and hexadecimal ids are no names. */
const fit = (name: string | undefined): string | undefined =>
  name && name.length <= LONGEST && !/^(?:[\d.]+|[0-9a-f-]{32,36})$/i.test(name) ? name : undefined

const LONGEST = 255
