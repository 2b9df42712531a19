import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Patch {
  /** Below `src/`. */
  readonly file: string
  /** Stands there exactly once: after a change of the code the patch fails loudly, and is written anew. */
  readonly search: string
  readonly replace: string
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** Telegen broken on purpose: a copy of its source with patches. Resolves to its `cli/main`, and to how to remove it. */
export function variant(patches: readonly Patch[]): { readonly main: string; readonly directory: string } {
  const directory = mkdtempSync(join(tmpdir(), 'telegen-variant-'))
  cpSync(join(ROOT, 'src'), join(directory, 'src'), { recursive: true })
  for (const name of ['package.json', 'node_modules']) symlinkSync(join(ROOT, name), join(directory, name))
  for (const { file, search, replace } of patches) {
    const path = join(directory, 'src', file)
    const text = readFileSync(path, 'utf8')
    const found = text.split(search).length - 1
    if (found !== 1) throw new Error(`${file}: the text to patch is there ${found} times:\n${search}`)
    writeFileSync(
      path,
      text.replace(search, () => replace),
    )
  }
  return { main: join(directory, 'src', 'cli', 'main.ts'), directory }
}
