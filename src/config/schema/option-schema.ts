import { isForeign, takesString, typesOf } from '../decode/schema.ts'
import type { Schema } from '../decode/schema.ts'

/** JSON Schema of draft 2020-12, with what the YAML language server reads beside it (`patternErrorMessage`, `doNotSuggest`). */
export type EditorSchema = Readonly<Record<string, unknown>>

/** What may stand wherever something other than text is wanted: what it becomes is known only when it is read. */
export const REFERENCE = String.raw`\$\{.*\}`
/** Integers that Telegen reads as the Collector does, and editors, which know YAML 1.2's alone, read as text. */
const ODD_INTEGER = String.raw`^[-+]?[0-9][0-9_]*_[0-9_]*$|^[-+]?0b[01_]+$|^[-+]?0x[0-9a-f_]+$`
const DURATION = String.raw`^\+?(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$|^[-+]?0$`
const A_DURATION = 'a duration such as 300ms, 5s or 1h30m'
const BYTE_SIZE = String.raw`^\s*[0-9][0-9_]*(\.[0-9]+)?\s*([kKmMgGtTpP][iI]?)?[bB]?\s*$`

/**
 * What an editor is told of an option. It accepts whatever may stand in a file before it is expanded and merged, so that
 * nothing right is marked as wrong; `telegen validate` finds the rest.
 */
export function optionSchema(schema: Annotated, required = false): EditorSchema {
  const other = { type: required ? 'string' : ['string', 'null'], pattern: REFERENCE, doNotSuggest: true }
  if (isForeign(schema)) return { ...about(schema), anyOf: [foreign(schema), other] }
  if (schema.const !== undefined || schema.enum !== undefined)
    return { ...about(schema), anyOf: [pick(schema, ['const', 'enum']), other] }
  const { type, ...rest } = shape(schema)
  const types = [type ?? []].flat() as string[]
  return {
    ...about(schema),
    // Written as nothing, an option that may be left out is left out.
    ...(types.length > 0 && { type: required ? types : [...new Set([...types, 'null'])] }),
    ...rest,
  }
}

/** A mapping's part for editors: what stands under its keys. */
export const mappingSchema = (keywords: EditorSchema): EditorSchema => ({
  type: ['object', 'string', 'null'],
  ...text('a mapping'),
  ...keywords,
})

function shape(schema: Schema): EditorSchema {
  switch (schema.telegen) {
    case 'duration':
      // The one number that is a duration is zero.
      return {
        type: ['string', 'integer'],
        ...text(A_DURATION, DURATION),
        if: { type: ['string', 'null'] },
        else: { enum: [0], errorMessage: `Must be ${A_DURATION}.` },
      }
    case 'byte_size':
      return {
        type: ['integer', 'string'],
        ...text('a number of bytes, or a size such as 64MiB', BYTE_SIZE, ODD_INTEGER),
        ...pick(schema, ['minimum', 'maximum']),
      }
    case 'secret':
      return { type: 'string', writeOnly: true }
    case 'map_list':
      return {
        type: ['object', 'array', 'string'],
        ...text('a mapping, or a list of {name, value}'),
        additionalProperties: { type: 'string' },
        items: {
          type: 'object',
          properties: { name: { type: 'string' }, value: { type: 'string' } },
          required: ['name', 'value'],
          additionalProperties: false,
        },
      }
    default:
      return plainShape(schema)
  }
}

function plainShape(schema: Schema): EditorSchema {
  if (schema.anyOf) return { anyOf: schema.anyOf.map((each) => optionSchema(each)) }
  const types = typesOf(schema)
  if (types.length > 1) return { anyOf: types.map((type) => optionSchema({ ...schema, type })) }
  switch (types[0]) {
    case 'object':
      return mappingSchema(objectShape(schema))
    case 'array':
      return arrayShape(schema)
    case 'string':
      return { type: 'string', ...stringShape(schema) }
    case 'integer':
      return { type: ['integer', 'string'], ...text('an integer', ODD_INTEGER), ...pick(schema, RANGE) }
    case 'number':
      return { type: ['number', 'string'], ...text('a number', ODD_INTEGER), ...pick(schema, RANGE) }
    case 'boolean':
      return { type: ['boolean', 'string'], ...text('true or false') }
    case 'null':
      return { type: ['null', 'string'], ...text('nothing') }
    default:
      return {}
  }
}

const RANGE = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const

function objectShape({ properties = {}, patternProperties, additionalProperties, required }: Schema): EditorSchema {
  const open = Object.entries(properties).map(([key, option]) => [
    key,
    blockSchema(option, required?.includes(key) === true && option.default === undefined),
  ])
  const musts = (required ?? []).filter((key) => properties[key]?.default === undefined)
  return {
    ...(open.length > 0 && { properties: Object.fromEntries(open) }),
    ...(patternProperties && {
      patternProperties: Object.fromEntries(
        Object.entries(patternProperties).map(([pattern, free]) => [pattern, optionSchema(free)]),
      ),
    }),
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === 'boolean' ? additionalProperties : optionSchema(additionalProperties),
    }),
    ...(musts.length > 0 && { required: musts }),
  }
}

/** A block that is off when it is left out may also say `enabled: false`. */
function blockSchema(option: Schema, required: boolean): EditorSchema {
  const schema = optionSchema(option, required)
  const { properties } = schema as { properties?: Readonly<Record<string, EditorSchema>> }
  if (required || option.default !== undefined || properties === undefined || 'enabled' in properties) return schema
  const enabled = optionSchema({ type: 'boolean', default: true })
  return {
    ...schema,
    properties: { ...properties, enabled: { description: 'Switches the block off where it stands.', ...enabled } },
  }
}

function arrayShape(schema: Schema): EditorSchema {
  const items = schema.items ?? {}
  // A list of texts may also be written `a,b`.
  const words = takesString(items)
  return {
    type: ['array', 'string'],
    ...(!words && text('a list')),
    ...(schema.items && { items: optionSchema(schema.items, true) }),
    ...pick(schema, ['minItems', 'maxItems']),
  }
}

function stringShape(schema: Schema): EditorSchema {
  const { pattern, minLength } = schema
  return {
    ...(pattern !== undefined && { pattern: `(?:${pattern})|${REFERENCE}` }),
    ...(minLength !== undefined && { minLength }),
  }
}

/** Text is right where it is a reference, or one of `patterns`. */
const text = (what: string, ...patterns: string[]): EditorSchema => ({
  pattern: [...patterns, REFERENCE].join('|'),
  patternErrorMessage: `Must be ${what}.`,
})

/** A plugin's own keywords stand as they are; what refers to other places of its schema cannot be followed from here. */
const foreign = (schema: Schema): unknown => (JSON.stringify(schema).includes('"$ref"') ? {} : { ...schema })

/** A schema with what is said of it. */
export type Annotated = Schema & {
  readonly description?: string
  readonly title?: string
  readonly examples?: readonly unknown[]
  readonly deprecated?: boolean
}

/** Editors show descriptions, and few of them show defaults: they are said twice. */
function about(schema: Annotated): EditorSchema {
  const { default: fallback, description } = schema
  const told = fallback !== undefined && !isMapping(fallback)
  const plain = told && fallback !== '' && !Array.isArray(fallback)
  return {
    ...pick(schema, ['title', 'examples', 'deprecated']),
    ...(description !== undefined && {
      description: plain
        ? `${description} Default: ${JSON.stringify(fallback).replace(/^"(.*)"$/, '$1')}.`
        : description,
    }),
    ...(told && { default: fallback }),
  }
}

const isMapping = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

function pick<T extends object>(from: T, keys: readonly (keyof T)[]): EditorSchema {
  return Object.fromEntries(keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]))
}
