import { type Batch, batchOfSlab } from '../batch.ts'
import { count } from '../kernels/count.ts'
import { DEEPEST } from '../kernels/validate.ts'
import { slabs } from '../memory/slab-pool.ts'
import { type Field, type Message, MESSAGES, REQUESTS } from '../wire/schema.ts'
import type { Signal } from '../signal.ts'
import type { WireWriter } from '../wire/wire-writer.ts'
import { giveWriter, takeWriter } from '../wire/writer-pool.ts'
import { MalformedObject } from './json.ts'
import { writeScalar, writeScalars } from './scalars.ts'

/**
 * The batch that an object in the shape of OTLP/JSON stands for, not charged to any budget.
 *
 * Takes what other writers of protobuf's JSON write too: 64-bit integers as numbers, smaller ones as strings, enums
 * by name, `null` for what is absent. Unknown names are ignored, as the OTLP specification demands. Throws
 * `MalformedObject` otherwise, with the place.
 */
export function fromObject<S extends Signal>(signal: S, object: unknown): Batch<S> {
  const writer = takeWriter()
  writeMessage(writer, MESSAGES[REQUESTS[signal].request], object, 1)
  const slab = slabs.take(writer.length)
  const { length } = writer
  writer.buffer.copy(slab.buffer, 0, 0, length)
  giveWriter(writer)
  return batchOfSlab(signal, count(signal, slab.buffer.subarray(0, length)), slab, length)
}

function writeMessage(writer: WireWriter, message: Message, object: unknown, depth: number): void {
  if (depth > DEEPEST) throw new MalformedObject('', `is nested more than ${DEEPEST} messages deep`)
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    throw new MalformedObject('', 'is not an object')
  }
  let chosen: Field | undefined
  for (const field of message.fields) {
    const value = own(object, field.json)
    if (value === undefined || value === null) continue
    if (field.oneof !== undefined) {
      if (chosen !== undefined)
        throw new MalformedObject(field.json, `stands beside ${chosen.json}: only one may be set`)
      chosen = field
    }
    try {
      writeField(writer, field, value, depth)
    } catch (error) {
      throw error instanceof MalformedObject ? error.inside(field.json) : error
    }
  }
}

function writeField(writer: WireWriter, field: Field, value: unknown, depth: number): void {
  if (!field.repeated) {
    if (field.message === undefined) writeScalar(writer, field, value)
    else writeEmbedded(writer, field, value, depth)
    return
  }
  if (!Array.isArray(value)) throw new MalformedObject('', 'is not an array')
  if (field.message === undefined) return writeScalars(writer, field, value)
  let index = 0
  try {
    for (; index < value.length; index++) writeEmbedded(writer, field, value[index], depth)
  } catch (error) {
    throw error instanceof MalformedObject ? error.inside(`[${index}]`) : error
  }
}

function writeEmbedded(writer: WireWriter, field: Field, value: unknown, depth: number): void {
  writer.open(field.number)
  writeMessage(writer, MESSAGES[field.message!], value, depth + 1)
  writer.close()
}

/** Only what the object itself has: nothing that its prototype brings may enter. */
function own(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined
}
