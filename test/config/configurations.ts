import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface Written {
  readonly name: string
  readonly text: string
}

const read = (pattern: string): Written[] =>
  globSync(pattern, { cwd: ROOT })
    .sort()
    .map((name) => ({ name, text: readFileSync(join(ROOT, name), 'utf8') }))

/** Whole configurations that run: the examples, and one of each component. */
export const EXAMPLES: readonly Written[] = [...read('examples/*.yaml'), ...read('src/*/*/example.yaml')]

/** Configurations of the comparison with the Collector: parts that are laid over one another, and use what people use. */
export const COMPARED: readonly Written[] = [
  ...read('test/compare/base.yaml'),
  ...read('test/compare/cases/*.yaml').flatMap(({ name, text }) => {
    const { config } = parse(text) as { config?: unknown }
    return typeof config === 'string' ? [{ name, text: config }] : []
  }),
]

/** Cases of the configuration's own tests, written with components made for them, in which nothing is wrong. */
export const SOUND_CASES: readonly Written[] = read('test/cases/config/*.yaml').filter(({ text }) => !/^#!/m.test(text))
