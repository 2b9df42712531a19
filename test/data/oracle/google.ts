/**
 * Google's own protobuf with the published messages, in Python: slow, in another process, and it has all of OTLP: profiles
 * too, and what the oracle in process lacks. Questions are put all at once, since each start takes half a second.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { JsonObject, JsonValue } from '../../../src/data/codec/json.ts'
import type { Signal } from '../../../src/data/signal.ts'

const MOST_OUTPUT = 256 * 1024 * 1024
const LONGEST_MS = 120_000
const IDENTIFIERS = new Set(['traceId', 'spanId', 'parentSpanId', 'profileId'])

type Question = { readonly signal: Signal } & ({ readonly bytes: string } | { readonly json: JsonObject })
type Answer = { readonly bytes?: string; readonly json?: JsonObject; readonly error?: string }

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const found = spawnSync(file('../../../scripts/python-oracle'), { encoding: 'utf8', timeout: LONGEST_MS })

/** Why there is no such oracle here; false where there is one. For the `skip` of a test. */
export const missing: string | false =
  found.status === 0 ? false : found.stderr.trim() || 'scripts/python-oracle failed'

/** The Python that has it, where it is there. */
export const python: string = found.stdout?.trim() ?? ''

/** Each request as OTLP/JSON, or an error where protobuf does not take it. */
export function decodeAll(signal: Signal, requests: readonly Buffer[]): (JsonObject | Error)[] {
  return ask(requests.map((bytes) => ({ signal, bytes: bytes.toString('base64') }))).map(({ json, error }) =>
    json === undefined ? new Error(error) : (identifiers(json, 'base64', 'hex') as JsonObject),
  )
}

/** The bytes of each request in the shape of OTLP/JSON. */
export function encodeAll(signal: Signal, requests: readonly JsonObject[]): Buffer[] {
  const questions = requests.map((json) => ({ signal, json: identifiers(json, 'hex', 'base64') as JsonObject }))
  return ask(questions).map(({ bytes, error }) => {
    if (bytes === undefined) throw new Error(error)
    return Buffer.from(bytes, 'base64')
  })
}

function ask(questions: readonly Question[]): Answer[] {
  const { stdout, stderr, status } = spawnSync(python, [file('oracle.py')], {
    input: questions.map((each) => `${JSON.stringify(each)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: MOST_OUTPUT,
    timeout: LONGEST_MS,
  })
  if (status !== 0) throw new Error(`the oracle failed: ${stderr}`)
  return stdout
    .split('\n')
    .slice(0, questions.length)
    .map((line) => JSON.parse(line) as Answer)
}

function identifiers(value: JsonValue, from: BufferEncoding, to: BufferEncoding): JsonValue {
  if (Array.isArray(value)) return value.map((element) => identifiers(element, from, to))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      IDENTIFIERS.has(name) ? Buffer.from(inner as string, from).toString(to) : identifiers(inner, from, to),
    ]),
  )
}
