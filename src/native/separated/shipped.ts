import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const ENDING = '.bpf.o'

/** Names of the objects that lie below `bpf/` of the native part: `socket/tp_btf`, as rungs have them. */
export function shippedObjects(folder: string): ReadonlySet<string> {
  const root = join(folder, 'bpf')
  if (!existsSync(root)) return new Set()
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1))
  return new Set(paths.filter((path) => path.endsWith(ENDING)).map((path) => path.slice(0, -ENDING.length)))
}
