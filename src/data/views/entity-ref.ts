import { END, ENTRY, VALUE, type Message } from '../wire/message.ts'
import { cursor, LENGTH, readLength, readTag, skip } from '../wire/varint.ts'
import { tagOf } from '../wire/write-value.ts'

const ENTITY_REFS_TAG = tagOf(3)

/** Which attributes of a resource identify an entity, and which describe it. */
export interface EntityRef {
  readonly schemaUrl: string
  readonly type: string
  readonly idKeys: readonly string[]
  readonly descriptionKeys: readonly string[]
}

export function entityRefsOf(resource: Message): EntityRef[] {
  const refs: EntityRef[] = []
  const { tape, arena } = resource
  for (let index = 0; index < resource.length; index += ENTRY) {
    if (tape[index] === ENTITY_REFS_TAG) refs.push(read(arena.buffer, tape[index + VALUE]!, tape[index + END]!))
  }
  return refs
}

function read(buffer: Buffer, start: number, end: number): EntityRef {
  // By field number; of the first two the last one counts.
  const texts: string[][] = [[], [], [], [], []]
  for (let at = start; at < end;) {
    const tag = readTag(buffer, at, end)
    const value = cursor.at
    at = skip(buffer, value, end, tag)
    if ((tag & 7) === LENGTH) texts[tag >>> 3]?.push(buffer.toString('utf8', at - readLength(buffer, value, at), at))
  }
  const [, schemaUrl, type, idKeys, descriptionKeys] = texts
  return {
    schemaUrl: schemaUrl?.at(-1) ?? '',
    type: type?.at(-1) ?? '',
    idKeys: idKeys ?? [],
    descriptionKeys: descriptionKeys ?? [],
  }
}
