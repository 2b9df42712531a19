import { Catalog } from '../../src/component/catalog.ts'
import type { Definition } from '../../src/component/definition.ts'
import { check } from '../../src/config/check.ts'
import type { Checked } from '../../src/config/check.ts'
import { load } from '../../src/config/load.ts'
import { TEST_DEFINITIONS } from './test-definitions.ts'

export interface TextOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly sets?: readonly string[]
  readonly directory?: string
  readonly definitions?: readonly Definition[]
}

/** A catalog of the tests' own components. */
export function testCatalog(definitions: readonly Definition[] = TEST_DEFINITIONS): Catalog {
  return new Catalog(
    definitions.map((definition) => ({
      kind: definition.kind,
      type: definition.type,
      aliases: definition.aliases ?? [],
      source: 'built-in',
      load: async () => definition,
    })),
  )
}

/** Checks configurations given as text, each laid over the one before. */
export async function checkText(texts: string | readonly string[], options: TextOptions = {}): Promise<Checked> {
  const { environment = {}, sets = [], directory = import.meta.dirname, definitions } = options
  const configs = [texts].flat().map((text) => `yaml:${text}`)
  return check(load({ configs, sets, environment, directory }), testCatalog(definitions), { machine: false })
}

/** `line:column path: message` of each. */
export const told = (faults: Checked['faults']): string[] =>
  faults.map(({ place: { line, column }, path, message }) => `${line}:${column} ${path}: ${message}`)
