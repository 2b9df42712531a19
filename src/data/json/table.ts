import type { Signal } from '../signal.ts'
import {
  type Field,
  type Message,
  MESSAGES,
  type MessageName,
  REQUESTS,
  type Scalar,
  WIRE_TYPES,
} from '../wire/schema.ts'
import { LENGTH } from '../wire/varint.ts'
import { Names } from './names.ts'

/** The schema, as the translation between JSON and the wire wants to have it: everything that is asked of a field is a number. */
export interface JsonField {
  readonly field: Field
  readonly kind: number
  readonly repeated: boolean
  readonly presence: boolean
  /** Whether it is a member of the oneof of its message, of which there is no more than one. */
  readonly chosen: boolean
  /** What stands before its value on the wire: field number and wire type, that of lists of numbers as of packed ones. */
  readonly tag: number
  /** One bit for each field of a message. */
  readonly bit: number
  /** Defined where `kind` is `MESSAGE`. */
  message: JsonMessage | undefined
  readonly names: Names<number> | undefined
  /** `"name":`, as it stands before its value. */
  readonly head: Buffer
  /** Bytes that the length of the last such message took: what is left free for that of the next one. */
  lengthBytes: number
}

/** A name that a field goes by, and the one that came after it last time: encoders keep to an order. */
export interface JsonKey {
  /** With the quote that ends it. */
  readonly name: Buffer
  readonly field: JsonField
  next: JsonKey | undefined
}

export interface JsonMessage {
  readonly keys: Names<JsonKey>
  /** The name that came first last time. */
  first: JsonKey | undefined
  /** By field number; undefined for those that are not in use. */
  readonly byNumber: readonly (JsonField | undefined)[]
  /** The bits of the members of its oneof. */
  readonly chosenBits: number
}

export const MESSAGE = 0
export const STRING = 1
export const BYTES = 2
export const IDENTIFIER = 3
export const BOOL = 4
export const DOUBLE = 5
/** From here on whole numbers. */
export const ENUM = 6
export const INT32 = 7
export const UINT32 = 8
export const SINT32 = 9
export const FIXED32 = 10
export const INT64 = 11
export const UINT64 = 12
export const FIXED64 = 13
export const SFIXED64 = 14

const KINDS: Readonly<Record<Scalar, number>> = {
  string: STRING,
  bytes: BYTES,
  trace_id: IDENTIFIER,
  span_id: IDENTIFIER,
  profile_id: IDENTIFIER,
  bool: BOOL,
  enum: ENUM,
  int32: INT32,
  int64: INT64,
  uint32: UINT32,
  uint64: UINT64,
  sint32: SINT32,
  fixed32: FIXED32,
  fixed64: FIXED64,
  sfixed64: SFIXED64,
  double: DOUBLE,
}

/** Bits of the number in which the fields that were met are noted. */
const MOST_FIELDS = 31

const TABLE = new Map(Object.values(MESSAGES).map((message) => [message.name, messageOf(message)]))
for (const message of Object.values(MESSAGES)) {
  for (const field of message.fields) {
    if (field.message !== undefined) tableOf(message.name).byNumber[field.number]!.message = tableOf(field.message)
  }
}

export const REQUEST_TABLES: Readonly<Record<Signal, JsonMessage>> = {
  traces: tableOf(REQUESTS.traces.request),
  metrics: tableOf(REQUESTS.metrics.request),
  logs: tableOf(REQUESTS.logs.request),
  profiles: tableOf(REQUESTS.profiles.request),
}

function tableOf(name: MessageName): JsonMessage {
  return TABLE.get(name) as JsonMessage
}

function messageOf({ name, fields, byNumber }: Message): JsonMessage {
  const groups = new Set(fields.map(({ oneof }) => oneof).filter((group) => group !== undefined))
  if (fields.length > MOST_FIELDS || groups.size > 1) throw new RangeError(`${name} has too many fields or oneofs`)
  const ours = fields.map(fieldOf)
  const keys = ours.flatMap((field): [string, JsonKey][] => {
    // As OTLP has it, and as the Collector takes it too.
    const names = new Set([field.field.json, field.field.name])
    return [...names].map((written) => [written, { name: Buffer.from(`${written}"`), field, next: undefined }])
  })
  return {
    keys: new Names(keys),
    first: undefined,
    byNumber: Array.from(byNumber, (_, number) => ours.find(({ field }) => field.number === number)),
    chosenBits: ours.reduce((bits, { chosen, bit }) => (chosen ? bits | bit : bits), 0),
  }
}

function fieldOf(field: Field, index: number): JsonField {
  const { scalar, repeated, names } = field
  const wireType = scalar === undefined || repeated ? LENGTH : WIRE_TYPES[scalar]
  return {
    field,
    kind: scalar === undefined ? MESSAGE : KINDS[scalar],
    repeated,
    presence: field.presence,
    chosen: field.oneof !== undefined,
    tag: field.number * 8 + wireType,
    bit: 1 << index,
    message: undefined,
    names: names && new Names(names.map((name, number) => [name, number])),
    head: Buffer.from(`"${field.json}":`),
    lengthBytes: 1,
  }
}

export const TWO_TO_31 = 2 ** 31

/** What a whole number of this kind is not, where it is refused. */
export function rangeOf(kind: number): string {
  switch (kind) {
    case UINT32:
    case FIXED32:
      return `is not a whole number from 0 to ${2 ** 32 - 1}`
    case INT64:
    case SFIXED64:
      return 'is not a whole number of 64 bits'
    case UINT64:
    case FIXED64:
      return 'is not a whole number of 64 bits, unsigned'
    default:
      return `is not a whole number from ${-TWO_TO_31} to ${TWO_TO_31 - 1}`
  }
}
