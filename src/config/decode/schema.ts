import type { ValueKind } from '../../component/options.ts'
import { isNull } from '../node.ts'
import type { Node } from '../node.ts'

/** The part of JSON Schema that options are made of. A schema with other keywords is validated by ajv (`foreign.ts`). */
export interface Schema {
  readonly type?: SchemaType | readonly SchemaType[]
  readonly telegen?: ValueKind
  readonly of?: 'extension' | 'pipeline' | 'receiver'
  /** Name of a capability. */
  readonly offering?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
}

export type SchemaType = 'string' | 'integer' | 'number' | 'boolean' | 'null' | 'array' | 'object'

const KNOWN = new Set(
  [
    ['type', 'telegen', 'of', 'offering', 'default', 'enum', 'const', 'anyOf', 'properties', 'required'],
    ['additionalProperties'],
    ['patternProperties', 'items', 'minItems', 'maxItems', 'minLength', 'maxLength', 'pattern'],
    ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
    ['title', 'description', 'examples', 'deprecated', '$comment'],
  ].flat(),
)

/** Whether a schema says something that the decoder does not know by itself. TypeBox's own marks start with `~`. */
export const isForeign = (schema: Schema): boolean =>
  Object.keys(schema).some((keyword) => !KNOWN.has(keyword) && !keyword.startsWith('~')) ||
  Array.isArray(schema.items) ||
  typeof schema.items === 'boolean'

export const typesOf = (schema: Schema): readonly SchemaType[] =>
  schema.type === undefined ? [] : typeof schema.type === 'string' ? [schema.type] : schema.type

/** Whether a string may stand there: then a value that is one whole reference is taken as its text. */
export function takesString(schema: Schema): boolean {
  if (schema.anyOf) return schema.anyOf.some(takesString)
  if (schema.telegen === 'duration' || schema.telegen === 'byte_size') return false
  return typesOf(schema).includes('string') || typeof schema.const === 'string'
}

/** Absent, or written as nothing: the default. A mapping written as nothing is there, with its defaults. */
export function isLeftOut(schema: Schema, node: Node | undefined): boolean {
  if (node === undefined) return true
  if (!isNull(node) || takesNull(schema) || takesMapping(schema)) return false
  return node.text === undefined || !takesString(schema)
}

const takesMapping = (schema: Schema): boolean =>
  typesOf(schema).includes('object') || (schema.anyOf?.some(takesMapping) ?? false)

function takesNull(schema: Schema): boolean {
  if (schema.anyOf) return schema.anyOf.some(takesNull)
  const anything = schema.type === undefined && schema.const === undefined && schema.enum === undefined
  return anything || typesOf(schema).includes('null') || schema.const === null
}
