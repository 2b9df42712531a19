import { execFile } from 'node:child_process'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A spot in a plugin's source. */
interface Spot {
  readonly file: string
  readonly line: number
  readonly column: number
}

/**
 * Where in which file a plugin could not be loaded, as `file:line:column` from `directory`: what it does not parse at, or where it
 * threw. `imported` are the addresses of files that were asked for. Undefined where nothing says so.
 */
export async function pluginPlace(
  thrown: unknown,
  imported: readonly string[],
  directory: string,
): Promise<string | undefined> {
  if (!(thrown instanceof Error)) return undefined
  const { stack = '' } = thrown
  const spot =
    headed(stack) ?? framed(stack, imported) ?? (thrown instanceof SyntaxError ? await parsed(imported) : undefined)
  if (spot === undefined) return undefined
  const path = relative(directory, spot.file)
  return `${path.startsWith('..') ? spot.file : path}:${spot.line}:${spot.column}`
}

/** Node heads some stacks, and what it writes of an uncaught error, by the file, the line, and a caret below its place. */
function headed(text: string): Spot | undefined {
  const match = /^(file:\/\/\S+|\/\S+):(\d+)\n.*\n( *)\^/.exec(text)
  if (match === null) return undefined
  const [, file = '', line, before = ''] = match
  return { file: pathOf(file), line: Number(line), column: before.length + 1 }
}

/** The first frame, where it stands in one of the plugin's files. */
function framed(stack: string, imported: readonly string[]): Spot | undefined {
  const match = /^ +at .*?(file:\/\/[^\s()]+):(\d+):(\d+)\)?$/m.exec(stack)
  const [, file = '', line, column] = match ?? []
  if (!imported.includes(file)) return undefined
  return { file: pathOf(file), line: Number(line), column: Number(column) }
}

const pathOf = (file: string): string => (file.startsWith('file:') ? fileURLToPath(file) : file)

/** Node does not say where an imported module fails to parse. A process that only checks the file does. */
async function parsed(imported: readonly string[]): Promise<Spot | undefined> {
  for (const url of imported.toReversed()) {
    if (!/^file:.*\.[cm]?js$/.test(url)) continue
    const spot = headed(await complaint(fileURLToPath(url)))
    if (spot !== undefined) return spot
  }
  return undefined
}

/** How long one file may be checked, in milliseconds. */
const CHECK_TIMEOUT = 10_000

/** What Node writes of a file that it cannot parse; nothing where it can. */
const complaint = (path: string): Promise<string> =>
  new Promise((resolve) => {
    execFile(process.execPath, ['--check', path], { timeout: CHECK_TIMEOUT }, (failed, _, stderr) =>
      resolve(failed === null ? '' : stderr),
    )
  })
