import type { Catalog } from '../../component/catalog.ts'
import type { Definition, Kind } from '../../component/definition.ts'
import { KINDS } from '../../component/definition.ts'
import { SECTIONS } from '../check/components.ts'
import type { Loaded } from './loaded.ts'
import { mappingSchema, optionSchema } from './option-schema.ts'
import type { EditorSchema } from './option-schema.ts'
import { serviceSchema } from './service-schema.ts'
import { idPattern } from './id-pattern.ts'

const ABOUT: Readonly<Record<Kind, string>> = {
  receiver: 'Where data comes from.',
  processor: 'What is done to data on its way, in the order that a pipeline names.',
  connector: 'Joins pipelines: an exporter of one, a receiver of another.',
  exporter: 'Where data goes.',
  extension: 'What is there beside the pipelines.',
}

/**
 * A JSON Schema (draft 2020-12) of the whole configuration, for editors: every component of the catalog with its options.
 * No top-level key is required, because a configuration may be made of several files.
 */
export async function editorSchema(catalog: Catalog): Promise<EditorSchema> {
  const components = new Map<Kind, readonly Loaded[]>()
  for (const kind of KINDS)
    components.set(
      kind,
      await Promise.all(catalog.entries(kind).map(async (entry) => ({ entry, definition: await entry.load() }))),
    )
  const all = [...components.values()].flat()
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Telegen configuration',
    ...mappingSchema({
      properties: {
        plugins: optionSchema({
          type: 'array',
          items: { type: 'string' },
          description: 'Files and npm packages with components of other makers, from the folder of this file.',
        }),
        ...Object.fromEntries(
          ['extension', 'receiver', 'processor', 'connector', 'exporter'].map((kind) => [
            SECTIONS[kind as Kind],
            sectionSchema(kind as Kind, components.get(kind as Kind) ?? []),
          ]),
        ),
        service: serviceSchema(components),
      },
      additionalProperties: false,
    }),
    $defs: Object.fromEntries(all.map(({ definition }) => [defName(definition), bodySchema(definition)] as const)),
  }
}

const defName = ({ kind, type }: Definition): string => `${kind}.${type}`

/** One kind's section: an entry for each type, with or without a name behind it. */
function sectionSchema(kind: Kind, components: readonly Loaded[]): EditorSchema {
  const properties: Record<string, EditorSchema> = {}
  const patternProperties: Record<string, EditorSchema> = {}
  for (const { entry, definition } of components) {
    const $ref = `#/$defs/${defName(definition)}`
    properties[entry.type] = { $ref }
    patternProperties[idPattern([entry.type])] = { $ref }
    // Not among the properties, so that nobody is offered them.
    for (const alias of entry.aliases ?? [])
      patternProperties[idPattern([alias])] = { $ref, deprecated: true, $comment: `Another name of ${entry.type}.` }
  }
  const types = components.map(({ entry }) => entry.type)
  return {
    description: ABOUT[kind],
    ...mappingSchema({
      properties,
      patternProperties,
      propertyNames: {
        pattern: idPattern(components.flatMap(({ entry }) => [entry.type, ...(entry.aliases ?? [])])),
        patternErrorMessage: `Not a ${kind}: must be a type, or type/name. Types are ${types.join(', ')}.`,
      },
    }),
  }
}

function bodySchema(definition: Definition): EditorSchema {
  const { summary, config } = definition
  const body = optionSchema(config)
  return { ...body, description: `${summary} ${stabilityText(definition)}` }
}

function stabilityText(definition: Definition): string {
  const pairs =
    definition.kind === 'connector'
      ? definition.stability.map(({ from, to, level }) => [`${from} to ${to}`, level] as const)
      : Object.entries(definition.stability)
  return `(${pairs.map(([what, level]) => `${what}: ${level}`).join(', ')})`
}
