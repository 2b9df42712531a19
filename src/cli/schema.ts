import { editorSchema } from '../config/schema/editor-schema.ts'
import type { Arguments } from './arguments.ts'
import { known } from './read.ts'

/** Prints the schema for editors; components of plugins that `--config` names are in it. */
export async function schema(given: Arguments, print: (text: string) => number): Promise<number> {
  const { catalog, sound } = await known(given)
  print(`${JSON.stringify(await editorSchema(catalog), undefined, 2)}\n`)
  return sound ? 0 : 1
}
