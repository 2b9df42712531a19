/** What can be seen of what arrived at a backend, or in a file. */
import { readFile } from 'node:fs/promises'
import { zstdDecompressSync } from 'node:zlib'
import { canonical } from './canonical.ts'
import { itemsOf, metricsOf } from './items.ts'
import type { Json, JsonObject } from './json.ts'
import { decode, SIGNALS } from './oracle.ts'
import type { Signal } from './oracle.ts'
import type { Taken } from './sink.ts'

/** Headers of an export that say something to the backend; what names the program or its library is its own. */
const TELLING = /^(content-type|content-encoding|grpc-encoding|authorization|x-.*)$/

export function exportsOf(taken: readonly Taken[], counted = true): JsonObject {
  const seen: JsonObject = {}
  for (const signal of SIGNALS) {
    const accepted = taken.filter((each) => each.accepted && each.signal === signal)
    if (accepted.length === 0) continue
    const ways = new Set(
      accepted.map(({ via, path, headers }) => {
        const telling = Object.entries(headers)
          .filter(([name]) => TELLING.test(name))
          .map((entry) => entry.join(': '))
        return [via, path, ...telling.sort()].join(' | ')
      }),
    )
    const content = canonical(
      signal,
      accepted.map((each) => each.content),
    )
    seen[signal] = { ...(counted && { requests: accepted.length }), ways: [...ways].sort(), content }
  }
  return seen
}

export const sizesOf = (taken: readonly Taken[]): JsonObject =>
  Object.fromEntries(
    SIGNALS.map((signal) => [
      signal,
      taken.filter((each) => each.signal === signal).map((each) => itemsOf(signal, each.content)),
    ]).filter(([, sizes]) => (sizes as number[]).length > 0),
  ) as JsonObject

export async function readLines(path: string): Promise<Json> {
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
  const requests = lines.map((line) => JSON.parse(line) as JsonObject)
  return SIGNALS.map((signal) => canonical(signal, requests))
}

/** Name, unit, shape and attributes of each metric that arrived. */
export const kindsOf = (taken: readonly Taken[]): Json =>
  [
    ...new Set(
      taken.filter(({ signal }) => signal === 'metrics').flatMap(({ content }) => metricsOf(content).map(kindOf)),
    ),
  ].sort()

function kindOf(metric: JsonObject): string {
  const [shape, body] = SHAPES.flatMap((name) =>
    name in metric ? [[name, metric[name] as JsonObject] as const] : [],
  )[0] ?? ['nothing', {}]
  const points = (body['dataPoints'] ?? []) as JsonObject[]
  const keys = points.flatMap((point) => ((point['attributes'] ?? []) as { key: string }[]).map(({ key }) => key))
  const value = points.some((point) => 'asInt' in point) ? 'int' : 'double'
  const told = [
    metric['name'],
    metric['unit'],
    shape,
    body['aggregationTemporality'] ?? 0,
    body['isMonotonic'] ?? false,
    value,
  ]
  return [...told.map(String), ...new Set(keys.sort(byText))].join(' ')
}

const SHAPES = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const ZSTD = Buffer.from('28b52ffd', 'hex')

/** Messages behind their lengths, of four bytes, each perhaps compressed. */
export async function readMessages(path: string, signal: Signal): Promise<Json> {
  const bytes = await readFile(path)
  const messages: JsonObject[] = []
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at)
    const message = bytes.subarray(at + 4, end)
    const plain = message.subarray(0, 4).equals(ZSTD) ? zstdDecompressSync(message) : message
    messages.push(plain[0] === 0x7b ? (JSON.parse(plain.toString()) as JsonObject) : decode(signal, plain))
    at = end
  }
  return { count: messages.length, content: canonical(signal, messages) }
}
