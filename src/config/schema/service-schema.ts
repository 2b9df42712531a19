import type { Definition, Kind } from '../../component/definition.ts'
import { SIGNALS } from '../../data/signal.ts'
import type { Signal } from '../../data/signal.ts'
import { PIPELINE } from '../check/pipelines.ts'
import { SERVICE } from '../check/telemetry.ts'
import type { Schema } from '../decode/schema.ts'
import type { Loaded } from './loaded.ts'
import { idPattern } from './id-pattern.ts'
import { mappingSchema, optionSchema, REFERENCE } from './option-schema.ts'
import type { EditorSchema } from './option-schema.ts'

type ByKind = ReadonlyMap<Kind, readonly Loaded[]>

/** `service`: its pipelines may name only types that know their signal. That there is such a component, `validate` says. */
export function serviceSchema(components: ByKind): EditorSchema {
  const options = optionSchema(SERVICE as unknown as Schema) as { properties: Readonly<Record<string, EditorSchema>> }
  return {
    description: 'What runs: pipelines, extensions, limits, and what Telegen tells of itself.',
    ...mappingSchema({
      properties: {
        extensions: idList('Extensions that are to run.', names(components.get('extension') ?? [])),
        pipelines: pipelinesSchema(components),
        ...options.properties,
      },
      additionalProperties: false,
    }),
  }
}

function pipelinesSchema(components: ByKind): EditorSchema {
  const each = SIGNALS.map((signal) => [signal, pipelineSchema(signal, components)] as const)
  return {
    description: 'Each takes data of one signal from receivers through processors to exporters.',
    ...mappingSchema({
      properties: Object.fromEntries(each),
      patternProperties: Object.fromEntries(each.map(([signal, schema]) => [idPattern([signal]), schema])),
      propertyNames: {
        pattern: idPattern(SIGNALS),
        patternErrorMessage: `Not a pipeline: must be a signal, or signal/name. Signals are ${SIGNALS.join(', ')}.`,
      },
      minProperties: 1,
    }),
  }
}

function pipelineSchema(signal: Signal, components: ByKind): EditorSchema {
  const { properties: about } = PIPELINE as unknown as { properties: Record<string, { description: string }> }
  const of = (kinds: readonly Kind[]) =>
    names(kinds.flatMap((kind) => components.get(kind) ?? []).filter(({ definition }) => knows(definition, signal)))
  const list = (key: string, kinds: readonly Kind[]) => idList(about[key]?.description ?? '', of(kinds), signal)
  return {
    description: `A pipeline of ${signal}.`,
    ...mappingSchema({
      properties: {
        receivers: { ...list('receivers', ['receiver', 'connector']), minItems: 1 },
        processors: list('processors', ['processor']),
        exporters: { ...list('exporters', ['exporter', 'connector']), minItems: 1 },
      },
      required: ['receivers', 'exporters'],
      additionalProperties: false,
    }),
  }
}

function knows(definition: Definition, signal: Signal): boolean {
  if (definition.kind === 'connector')
    return definition.stability.some(({ from, to }) => from === signal || to === signal)
  return definition.kind === 'extension' || definition.stability[signal] !== undefined
}

/** Canonical types first, then their other names. */
const names = (components: readonly Loaded[]): { readonly types: string[]; readonly aliases: string[] } => ({
  types: components.map(({ entry }) => entry.type),
  aliases: components.flatMap(({ entry }) => entry.aliases ?? []),
})

function idList(description: string, { types, aliases }: ReturnType<typeof names>, signal?: Signal): EditorSchema {
  const taken = signal === undefined ? 'Types are' : `Types that take ${signal} are`
  return {
    description,
    type: ['array', 'string', 'null'],
    items: {
      type: 'string',
      pattern: `${idPattern([...types, ...aliases])}|${REFERENCE}`,
      patternErrorMessage: `No component can be called so here. ${taken} ${types.join(', ')}.`,
      examples: types,
    },
  }
}
