import type TypeBox from 'typebox'
import type { TProperties, TSchema } from 'typebox'

/**
 * The constructors of TypeBox that options need, with TypeBox's own static types. They make the same schemas; TypeBox itself
 * is a type only, because importing it (some 500 files) took longer than all the rest of a start: 0.2 to 0.3 s of the
 * 0.4 s that "Everything is ready" may take.
 */
export type SchemaTypes = Pick<
  typeof TypeBox,
  | 'Array'
  | 'Boolean'
  | 'Integer'
  | 'Literal'
  | 'Null'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'String'
  | 'Union'
  | 'Unknown'
  | 'Unsafe'
>

type About = Readonly<Record<string, unknown>>

const simple = (kind: string, type: string) => (about?: About) => schema(kind, { type }, about)

const constructors = {
  Array: (items: TSchema, about?: About) => schema('Array', { type: 'array', items }, about),
  Boolean: simple('Boolean', 'boolean'),
  Integer: simple('Integer', 'integer'),
  Literal: (value: string | number | boolean, about?: About) =>
    schema('Literal', { type: typeof value, const: value }, about),
  Null: simple('Null', 'null'),
  Number: simple('Number', 'number'),
  Object: (properties: TProperties, about?: About) => schema('Object', object(properties), about),
  Optional: (of: TSchema) => marked({ ...of }, { ...marksOf(of), '~optional': true }),
  Record: (_names: TSchema, values: TSchema, about?: About) =>
    schema('Record', { type: 'object', patternProperties: { '^.*$': values } }, about),
  String: simple('String', 'string'),
  Union: (anyOf: TSchema[], about?: About) => schema('Union', { anyOf }, about),
  Unknown: (about?: About) => schema('Unknown', {}, about),
  Unsafe: (of: TSchema) => marked({ ...of }, { ...marksOf(of), '~unsafe': null }),
}

/** Stands in for TypeBox's default export. */
export const Type = constructors as unknown as SchemaTypes

function object(properties: TProperties): object {
  const required = Object.keys(properties).filter((key) => !('~optional' in (properties[key] as object)))
  return { type: 'object', ...(required.length > 0 && { required }), properties }
}

const schema = (kind: string, keywords: object, about: About = {}): object =>
  marked({ ...keywords, ...about }, { '~kind': kind })

/** TypeBox knows its schemas by marks that JSON does not show; with them its own tools take these for theirs. */
function marked(keywords: object, marks: Readonly<Record<string, unknown>>): object {
  for (const [name, value] of Object.entries(marks))
    Object.defineProperty(keywords, name, { value, configurable: true })
  return keywords
}

const MARKS = ['~kind', '~optional', '~unsafe'] as const

const marksOf = (of: TSchema): Record<string, unknown> =>
  Object.fromEntries(MARKS.filter((mark) => Object.hasOwn(of, mark)).map((mark) => [mark, of[mark as never]]))
