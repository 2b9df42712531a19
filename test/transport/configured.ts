import type { OptionFault } from '../../src/component/definition.ts'
import type { Static, TSchema } from '../../src/component/options.ts'
import { decode } from '../../src/config/decode/decode.ts'
import { spot } from '../../src/config/decode/spot.ts'
import { readYaml } from '../../src/config/yaml/read.ts'

interface Checked<C extends TSchema = TSchema> {
  readonly config: C
  readonly check?: (config: never) => Iterable<OptionFault>
}

/** What a component sees of its options written in YAML, by the program's own decoder. Throws all faults in one message. */
export function configured<C extends TSchema>(definition: Checked<C>, yaml: string): Static<C> {
  const { config, faults } = tried(definition, yaml)
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return config as Static<C>
}

/** The faults of options written in YAML: `path: message`. */
export const faultsOf = (definition: Checked, yaml: string): readonly string[] => tried(definition, yaml).faults

function tried(definition: Checked, yaml: string): { config: unknown; faults: string[] } {
  const { node, faults } = readYaml(yaml, 'test')
  if (node === undefined) return { config: undefined, faults: faults.map(({ message }) => message) }
  const at = spot('')
  const config = decode(definition.config, node, at)
  if (at.faults.length > 0) return { config, faults: at.faults.map(({ message }) => message) }
  const checked = [...(definition.check?.(config as never) ?? [])]
  return { config, faults: checked.map(({ path, message }) => `${path.join('::')}: ${message}`) }
}
