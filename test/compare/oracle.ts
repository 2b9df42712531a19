/**
 * An independent decoder and encoder of OTLP: protobuf.js over the fields that Google's protobuf lists for the published messages
 * (`test/data/golden/descriptors.txt`). None of Telegen's own code takes part.
 */
import { readFileSync } from 'node:fs'
import protobuf from 'protobufjs'
import type { Json, JsonObject } from './json.ts'

export type Signal = 'traces' | 'metrics' | 'logs' | 'profiles'

export const SIGNALS: readonly Signal[] = ['traces', 'metrics', 'logs', 'profiles']

const REQUESTS: Readonly<Record<Signal, string>> = {
  traces: 'opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest',
  metrics: 'opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest',
  logs: 'opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest',
  profiles: 'opentelemetry.proto.collector.profiles.v1development.ExportProfilesServiceRequest',
}
const HEX = new Set(['traceId', 'spanId', 'parentSpanId', 'profileId'])

interface Field {
  readonly message: string
  readonly number: number
  readonly name: string
  readonly type: string
  readonly list: boolean
  readonly presence: boolean
  readonly of: string | undefined
}

const fields: readonly Field[] = readFileSync(new URL('../data/golden/descriptors.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => {
    const [message, number, , name, type, rule, presence, of] = line.split(' ')
    return {
      message: message as string,
      number: Number(number),
      name: name as string,
      type: type === 'enum' ? 'int32' : (type as string),
      list: rule === 'list',
      presence: presence === 'presence',
      of: of === '-' ? undefined : of,
    }
  })
const byMessage = Map.groupBy(fields, ({ message }) => message)
const types = messageTypes()

/** Wire bytes of a request in the shape of OTLP/JSON. */
export function encode(signal: Signal, request: JsonObject): Buffer {
  const type = typeOf(signal)
  const message = type.fromObject(identifiers(request, 'hex', 'base64') as JsonObject)
  return Buffer.from(type.encode(message).finish())
}

/** A request in the shape of OTLP/JSON. What has its default value and no presence of its own is left out. Throws on bytes that are no request. */
export function decode(signal: Signal, bytes: Uint8Array): JsonObject {
  const type = typeOf(signal)
  const object = type.toObject(type.decode(bytes), { longs: String, bytes: String, json: true })
  return identifiers(withoutDefaults(object, REQUESTS[signal]), 'base64', 'hex') as JsonObject
}

function typeOf(signal: Signal): protobuf.Type {
  const type = types.get(REQUESTS[signal])
  if (type === undefined) throw new Error(`the oracle does not know ${signal}`)
  return type
}

/** One flat name for each message, as their packages do not matter here. */
function messageTypes(): Map<string, protobuf.Type> {
  const root = new protobuf.Root()
  const made = new Map<string, protobuf.Type>()
  const flat = (name: string) => name.replaceAll('.', '_')
  for (const [message, of] of byMessage) {
    const type = new protobuf.Type(flat(message))
    for (const field of of)
      type.add(
        new protobuf.Field(
          field.name,
          field.number,
          field.of === undefined ? field.type : flat(field.of),
          field.list ? 'repeated' : undefined,
        ),
      )
    root.add(type)
    made.set(message, type)
  }
  root.resolveAll()
  return made
}

const DEFAULTS: readonly Json[] = [0, '0', '', false]

function withoutDefaults(object: JsonObject, message: string): JsonObject {
  const kept: JsonObject = {}
  for (const field of byMessage.get(message) ?? []) {
    const value = object[field.name]
    if (value === undefined) continue
    if (Array.isArray(value)) {
      if (value.length > 0)
        kept[field.name] = value.map((each) => (field.of ? withoutDefaults(each as JsonObject, field.of) : each))
    } else if (field.of) kept[field.name] = withoutDefaults(value as JsonObject, field.of)
    else if (field.presence || !DEFAULTS.includes(value)) kept[field.name] = value
  }
  return kept
}

function identifiers(value: Json, from: BufferEncoding, to: BufferEncoding): Json {
  if (Array.isArray(value)) return value.map((element) => identifiers(element, from, to))
  if (typeof value !== 'object' || value === null) return value
  const object: JsonObject = {}
  for (const [name, inner] of Object.entries(value))
    object[name] =
      HEX.has(name) && typeof inner === 'string' ? Buffer.from(inner, from).toString(to) : identifiers(inner, from, to)
  return object
}
