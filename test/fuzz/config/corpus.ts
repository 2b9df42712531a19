import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { COMPARED, EXAMPLES } from '../../config/configurations.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const FILES = ['examples/*.yaml', 'src/*/*/example.yaml', 'test/cases/broken/*/*.yaml', 'test/cases/config/*.yaml']

/** A configuration that somebody has written, with what else stands on its command line. */
export interface Seed {
  readonly text: string
  readonly sets: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Where files that it names are looked for. */
  readonly directory: string
}

/** What runs; a change or two leaves much of it sound, so that what comes after the checks is reached. */
export const SOUND: readonly Seed[] = EXAMPLES.map(({ name, text }) => seedOf(text, dirname(join(ROOT, name)))).filter(
  ({ text }) => !text.includes('plugins'),
)

/** Sound and broken ones; those that load plugins are left out, since what a plugin does when it is loaded is its own. */
export const SEEDS: readonly Seed[] = [
  ...FILES.flatMap((pattern) => globSync(pattern, { cwd: ROOT }).sort()).map((name) =>
    seedOf(readFileSync(join(ROOT, name), 'utf8'), dirname(join(ROOT, name))),
  ),
  ...COMPARED.map(({ text }) => seedOf(text, ROOT)),
].filter(({ text }) => !text.includes('plugins'))

function seedOf(text: string, directory: string): Seed {
  const marked = (mark: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith(mark))
      .map((line) => line.slice(mark.length))
  const environment = Object.fromEntries(marked('#env ').map((line) => line.split(/=(.*)/s).slice(0, 2)))
  // Comments take place from mutations.
  const bare = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
  return { text: bare, sets: marked('#set '), environment, directory }
}
