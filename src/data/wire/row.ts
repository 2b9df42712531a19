/** What a line of the schema is made of: the ways in which a field is declared. */

/**
 * How a field's value is written. `trace_id`, `span_id` and `profile_id` are `bytes` that hold an identifier: 16, 8 or
 * 16 bytes, or none; in JSON they are hexadecimal where other bytes are base64.
 */
export type Scalar =
  | 'string'
  | 'bytes'
  | 'trace_id'
  | 'span_id'
  | 'profile_id'
  | 'bool'
  | 'enum'
  | 'int32'
  | 'int64'
  | 'uint32'
  | 'uint64'
  | 'sint32'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed64'
  | 'double'

/** A table of the dictionary that all profiles of a request share. Entry 0 of each is empty and means `not set`. */
export type TableName =
  | 'mapping_table'
  | 'location_table'
  | 'function_table'
  | 'link_table'
  | 'string_table'
  | 'attribute_table'
  | 'stack_table'

/** One line of the table; a test compares all with the published descriptors. */
export interface Row {
  readonly number: number
  readonly name: string
  readonly scalar?: Scalar
  readonly embeds?: string
  readonly repeated?: boolean
  readonly optional?: boolean
  readonly oneof?: string
  readonly names?: readonly string[]
  readonly table?: TableName
}

export const one = (number: number, name: string, scalar: Scalar): Row => ({ number, name, scalar })
export const optional = (number: number, name: string, scalar: Scalar): Row => ({
  number,
  name,
  scalar,
  optional: true,
})
export const list = (number: number, name: string, scalar: Scalar): Row => ({ number, name, scalar, repeated: true })
export const choice = (number: number, name: string, names: readonly string[]): Row => ({
  number,
  name,
  scalar: 'enum',
  names,
})
export const embedded = (number: number, name: string, embeds: string): Row => ({ number, name, embeds })
export const every = (number: number, name: string, embeds: string): Row => ({ number, name, embeds, repeated: true })
export const index = (number: number, name: string, table: TableName): Row => ({ number, name, scalar: 'int32', table })
export const indices = (number: number, name: string, table: TableName): Row => ({
  ...index(number, name, table),
  repeated: true,
})
export const oneof = (group: string, row: Row): Row => ({ ...row, oneof: group })
