import { readFileSync } from 'node:fs'
import type { Request } from './case-file.ts'
import { grpcWay, httpWay } from './compression.ts'
import type { Json, JsonObject } from './json.ts'
import { decode, encode } from './oracle.ts'
import type { Signal } from './oracle.ts'
import { grpcPath } from './send.ts'

const RESOURCE: JsonObject = {
  attributes: [
    { key: 'service.name', value: { stringValue: 'shop' } },
    { key: 'host.name', value: { stringValue: 'alpha' } },
  ],
}
const SCOPE: JsonObject = { name: 'cart', version: '1.2.3' }
const START = 1_700_000_000_000_000_000n

/** A request of `count` items that differ in name, number and identifier. */
function many(signal: Signal, count: number): JsonObject {
  const numbers = Array.from({ length: count }, (_, index) => index)
  const at = (index: number) => String(START + BigInt(index) * 1_000_000n)
  const attributes = (index: number) => [
    { key: 'number', value: { intValue: String(index) } },
    { key: 'kind', value: { stringValue: index % 2 ? 'odd' : 'even' } },
  ]
  switch (signal) {
    case 'traces': {
      const spans = numbers.map((index) => ({
        traceId: hex(index * 7919 + 1, 16),
        spanId: hex(index + 1, 8),
        name: `GET /${index % 3}`,
        kind: 1 + (index % 5),
        startTimeUnixNano: at(index),
        endTimeUnixNano: at(index + 5),
        attributes: attributes(index),
        status: { code: index % 3 },
      }))
      return { resourceSpans: [{ resource: RESOURCE, scopeSpans: [{ scope: SCOPE, spans }] }] }
    }
    case 'metrics': {
      const metrics = numbers.map((index) => ({
        name: `orders.${index}`,
        unit: '{order}',
        sum: {
          aggregationTemporality: 2,
          isMonotonic: true,
          dataPoints: [
            { startTimeUnixNano: at(0), timeUnixNano: at(index), asInt: String(index), attributes: attributes(index) },
          ],
        },
      }))
      return { resourceMetrics: [{ resource: RESOURCE, scopeMetrics: [{ scope: SCOPE, metrics }] }] }
    }
    case 'logs': {
      const logRecords = numbers.map((index) => ({
        timeUnixNano: at(index),
        severityNumber: 1 + (index % 24),
        severityText: index % 2 ? 'INFO' : 'WARN',
        body: { stringValue: `line ${index}` },
        attributes: attributes(index),
        traceId: hex(index * 7919 + 1, 16),
        spanId: hex(index + 1, 8),
      }))
      return { resourceLogs: [{ resource: RESOURCE, scopeLogs: [{ scope: SCOPE, logRecords }] }] }
    }
    case 'profiles':
      return profiles(numbers)
  }
}

/** A profile of as many samples, whose stacks have one frame each. */
function profiles(numbers: readonly number[]): JsonObject {
  const samples = numbers.map((number) => ({ stackIndex: number + 1, values: [String(number + 1)] }))
  const functions = numbers.map((number) => ({ nameStrindex: number + 3 }))
  const profile = { profileId: hex(1, 16), sampleType: { typeStrindex: 1, unitStrindex: 2 }, samples }
  return {
    resourceProfiles: [{ resource: RESOURCE, scopeProfiles: [{ scope: SCOPE, profiles: [profile] }] }],
    dictionary: {
      mappingTable: [{}],
      locationTable: [
        {},
        ...numbers.map((number) => ({ lines: [{ functionIndex: number + 1, line: String(number) }] })),
      ],
      functionTable: [{}, ...functions],
      linkTable: [{}],
      stringTable: ['', 'cpu', 'nanoseconds', ...numbers.map((number) => `function ${number}`)],
      attributeTable: [{}],
      stackTable: [{}, ...numbers.map((number) => ({ locationIndices: [number + 1] }))],
    },
  }
}

const hex = (number: number, bytes: number): string => number.toString(16).padStart(bytes * 2, 'a')

/** `small`, `many N` (N items), `large N` (a log line of N bytes), `deep N` (a log line within N lists), `golden` (every field of every message), `dated` (that, with times of our days, and nothing that means
 * something in profiles alone). */
function named(signal: Signal, name: string): JsonObject | Buffer {
  const [kind, number = '3'] = name.split(' ')
  switch (kind) {
    case 'small':
    case 'many':
      return many(signal, Number(number))
    case 'large':
      return {
        resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'x'.repeat(Number(number)) } }] }] }],
      }
    case 'deep':
      return { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: within(Number(number)) }] }] }] }
    case 'golden':
      return readFileSync(`${import.meta.dirname}/../data/golden/${signal}.bin`)
    case 'dated':
      return dated(decode(signal, named(signal, 'golden') as Buffer)) as JsonObject
    default:
      throw new Error(`no input is called ${name}`)
  }
}

const within = (lists: number): JsonObject =>
  Array.from({ length: lists }).reduce((value: JsonObject) => ({ arrayValue: { values: [value] } }), {
    stringValue: 'a',
  })

function dated(value: Json): Json {
  if (Array.isArray(value)) return value.map(dated)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([name]) => !name.endsWith('Strindex'))
  return Object.fromEntries(
    kept.map(([name, inner]) => [
      name,
      name.endsWith('UnixNano') ? String(START + (BigInt(inner as string) % 1_000_000_007n)) : dated(inner),
    ]),
  )
}

/** The bytes of a request's body before it is compressed. */
function plain({ signal, encoding, content, input, text, hex, cut = 0 }: Request): Buffer {
  const whole = (): Buffer => {
    if (text !== undefined) return Buffer.from(text)
    if (hex !== undefined) return Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')
    const request = content ?? named(signal, input ?? 'small')
    if (Buffer.isBuffer(request)) return request
    return encoding === 'json' ? Buffer.from(JSON.stringify(request)) : encode(signal, request)
  }
  const bytes = whole()
  return bytes.subarray(0, bytes.length - cut)
}

const PATHS: Readonly<Record<Signal, string>> = {
  traces: '/v1/traces',
  metrics: '/v1/metrics',
  logs: '/v1/logs',
  profiles: '/v1development/profiles',
}

/** A request as it goes over HTTP. */
export function httpRequest(request: Request) {
  const { signal, encoding = 'proto', compression, method = 'POST', path = PATHS[signal] } = request
  const bytes = plain(request)
  const body = httpWay(compression).deflate(bytes)
  const headers = withHeaders(request, {
    'content-type': encoding === 'json' ? 'application/json' : 'application/x-protobuf',
    ...(compression !== undefined && { 'content-encoding': compression }),
  })
  return { method, path, headers, body }
}

/** A request as it goes over gRPC. */
export function grpcRequest(request: Request) {
  const { signal, compression, path = grpcPath(signal) } = request
  const bytes = plain(request)
  const message = grpcWay(compression).deflate(bytes)
  const prefix = Buffer.alloc(5)
  prefix[0] = compression === undefined ? 0 : 1
  prefix.writeUInt32BE(message.length, 1)
  const headers = withHeaders(request, compression === undefined ? {} : { 'grpc-encoding': compression })
  return { path, headers, frame: Buffer.concat([prefix, message]) }
}

function withHeaders({ headers = {} }: Request, given: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ ...given, ...headers }).filter((entry): entry is [string, string] => entry[1] !== null),
  )
}
