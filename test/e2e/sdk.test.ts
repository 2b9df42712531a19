import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Telegen } from './telegen.ts'
import { freePorts } from '../free-ports.ts'

const APP = fileURLToPath(new URL('./sdk-app.ts', import.meta.url))

const relay = (grpc: number, http: number, next: number) => `
receivers:
  otlp: { protocols: { grpc: { endpoint: "127.0.0.1:${grpc}" }, http: { endpoint: "127.0.0.1:${http}" } } }
processors:
  batch:
exporters:
  otlp_http: { endpoint: "http://127.0.0.1:${next}" }
service:
  pipelines:
    traces: { receivers: [otlp], processors: [batch], exporters: [otlp_http] }
    metrics: { receivers: [otlp], processors: [batch], exporters: [otlp_http] }
    logs: { receivers: [otlp], processors: [batch], exporters: [otlp_http] }
`
const store = (http: number) => `
receivers:
  otlp: { protocols: { http: { endpoint: "127.0.0.1:${http}" } } }
exporters:
  file: { path: DIR/out.jsonl }
service:
  pipelines:
    traces: { receivers: [otlp], exporters: [file] }
    metrics: { receivers: [otlp], exporters: [file] }
    logs: { receivers: [otlp], exporters: [file] }
`

for (const protocol of ['grpc', 'http'] as const)
  test(`everything that the SDK exports over ${protocol} arrives once, field by field equal, through two Telegens`, async () => {
    const [grpc, http, next] = (await freePorts(3)) as [number, number, number]
    const second = await Telegen.start(store(next))
    const first = await Telegen.start(relay(grpc, http, next))
    try {
      const exported = await runApp(protocol, `http://127.0.0.1:${protocol === 'grpc' ? grpc : http}`)
      assert.equal(await first.stop(), 0, first.output)
      const lines = (await readFile(join(second.directory, 'out.jsonl'), 'utf8')).trim().split('\n')
      const stored = recordsOf(lines.map((line) => JSON.parse(line) as object))
      const wanted = recordsOf(exported)
      assert.equal(wanted.filter((record) => record.startsWith('{"spans"')).length, 200)
      assert.equal(wanted.filter((record) => record.startsWith('{"logRecords"')).length, 100)
      assert.ok(wanted.filter((record) => record.startsWith('{"metrics"')).length >= 4)
      assert.deepEqual(difference(stored, wanted), [], 'arrived and never sent, or twice')
      assert.deepEqual(difference(wanted, stored), [], 'sent and never arrived')
    } finally {
      await first.stop()
      await second.stop()
    }
  })

async function runApp(protocol: string, endpoint: string): Promise<object[]> {
  const env = { ...process.env, OTLP_PROTOCOL: protocol, OTLP_ENDPOINT: endpoint }
  const app = spawn(process.execPath, [APP], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  app.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  app.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const [code] = (await once(app, 'exit')) as [number]
  assert.equal(code, 0, errors)
  return JSON.parse(output) as object[]
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
type JsonObject = { [key: string]: Json }

/** Each record with its resource and scope as one sorted line. Grouping is free to change on the way; what a record says is not. */
function recordsOf(requests: readonly object[]): string[] {
  const found: string[] = []
  for (const request of requests as JsonObject[])
    for (const [outer, inner, records] of [
      ['resourceSpans', 'scopeSpans', 'spans'],
      ['resourceMetrics', 'scopeMetrics', 'metrics'],
      ['resourceLogs', 'scopeLogs', 'logRecords'],
    ] as const)
      for (const resource of list(request[outer]))
        for (const scope of list(resource[inner]))
          for (const record of list(scope[records]))
            found.push(
              JSON.stringify({
                [records]: normal(record),
                resource: normal(resource['resource'] ?? {}),
                scope: normal(scope['scope'] ?? {}),
              }),
            )
  return found
}

/** What `left` has more often than `right`: short to read where whole lists are not. */
function difference(left: readonly string[], right: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const each of right) counts.set(each, (counts.get(each) ?? 0) + 1)
  return left.filter((each) => {
    const count = counts.get(each) ?? 0
    counts.set(each, count - 1)
    return count <= 0
  })
}

const list = (value: Json | undefined): JsonObject[] => (value ?? []) as JsonObject[]

/** Keys sorted, 64-bit integers as text (the SDK writes some as numbers, the protocol allows both), and what has its default left out, as protobuf does: except in a oneof, where zero is a value. */
function normal(value: Json): Json {
  if (Array.isArray(value)) return value.map(normal)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .map(([key, inner]): [string, Json] => [key, WIDE.has(key) ? asText(inner) : normal(inner)])
    .filter(([key, inner]) => ONEOF.has(key) || !isDefault(inner))
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
  return Object.fromEntries(entries)
}
const TIMES = ['timeUnixNano', 'startTimeUnixNano', 'endTimeUnixNano', 'observedTimeUnixNano']
const WIDE = new Set(['intValue', 'asInt', 'count', 'bucketCounts', ...TIMES])
const ONEOF = new Set(['stringValue', 'boolValue', 'intValue', 'doubleValue', 'asInt', 'asDouble'])

const asText = (value: Json): Json => {
  if (Array.isArray(value)) return value.map((each) => asText(each))
  return typeof value === 'object' ? value : String(value)
}
const isDefault = (value: Json): boolean =>
  value === null ||
  value === 0 ||
  value === '' ||
  value === '0' ||
  value === false ||
  (Array.isArray(value) && value.length === 0)
