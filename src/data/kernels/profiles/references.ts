import { type Field, MESSAGES, type MessageName, type TableName } from '../../wire/schema.ts'

/** The tables of the dictionary, by the number of their field in `ProfilesDictionary` less one. */
export const TABLES: readonly TableName[] = MESSAGES.ProfilesDictionary.fields.map(({ name }) => name as TableName)
export const STRINGS = TABLES.indexOf('string_table')

const NAMES = Object.keys(MESSAGES) as MessageName[]

/** The number of a message's type, by which its rules are found. */
export const typeOf = (name: MessageName): number => NAMES.indexOf(name)

/** The type of each table's entries; strings are no messages and have none (-1). */
export const ENTRY_TYPES: readonly number[] = MESSAGES.ProfilesDictionary.fields.map(({ message }) =>
  message === undefined ? -1 : typeOf(message),
)

/** What is done with a field: nothing, as it refers to nothing … */
export const PLAIN = 0
/** … it is an index, or a list of them, into the table `rule - INDEX` … */
export const INDEX = 1
/** … or it is a message of type `rule - MESSAGE` that holds such fields. */
export const MESSAGE = 8

/** Field numbers in use fit into this many bits. */
const FIELD_BITS = 5
const FIELDS = 1 << FIELD_BITS
const RULES = new Uint8Array(NAMES.length << FIELD_BITS)

/** The rule of the field with this tag in messages of this type. */
export function ruleOf(type: number, tag: number): number {
  const field = tag >>> 3
  return field < FIELDS ? RULES[(type << FIELD_BITS) | field]! : PLAIN
}

for (const name of NAMES) {
  for (const field of MESSAGES[name].fields) RULES[(typeOf(name) << FIELD_BITS) | field.number] = ruleFor(field)
}

function ruleFor({ table, message }: Field): number {
  if (table !== undefined) return INDEX + TABLES.indexOf(table)
  if (message !== undefined && refers(message, new Set())) return MESSAGE + typeOf(message)
  return PLAIN
}

/** Whether anything in messages of this type is an index. The dictionary's own tables are no matter of a record. */
function refers(name: MessageName, seen: Set<MessageName>): boolean {
  if (seen.has(name)) return false
  seen.add(name)
  return MESSAGES[name].fields.some(
    ({ table, message }) => table !== undefined || (message !== undefined && refers(message, seen)),
  )
}
