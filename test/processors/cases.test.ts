import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { toObject } from '../../src/data/codec/to-object.ts'
import { fromObject } from '../../src/data/codec/from-object.ts'
import type { Signal } from '../../src/data/signal.ts'
import { TestBed } from '../../src/testing/bed.ts'

/**
 * Runs the case files: what a processor, configured like this, makes of that. Input and output are OTLP/JSON, in which attributes
 * may be written as a mapping (`attributes: { a: 1 }`), and their order does not count. `origin` is what is known of the sender. An `output` of null means that nothing goes on;
 * `faults` are what is wrong with the configuration instead.
 */
interface CaseFile {
  readonly processor: string
  readonly cases: readonly Case[]
}

interface Case {
  readonly name: string
  readonly config: object
  readonly signal?: Signal
  readonly input?: object
  readonly origin?: {
    readonly metadata?: Readonly<Record<string, readonly string[]>>
    readonly auth?: Readonly<Record<string, unknown>>
    readonly peer?: string
  }
  readonly output?: object | null
  readonly faults?: readonly string[]
}

const DIRECTORY = new URL('../cases/processors/', import.meta.url)
const SIGNAL_OF: Readonly<Record<string, Signal>> = {
  resourceSpans: 'traces',
  resourceMetrics: 'metrics',
  resourceLogs: 'logs',
  resourceProfiles: 'profiles',
}

for (const name of readdirSync(DIRECTORY)) {
  const file = parse(readFileSync(new URL(name, DIRECTORY), 'utf8'), { maxAliasCount: -1 }) as CaseFile
  describe(name, () => {
    for (const each of file.cases) {
      test(`${file.processor} ${each.name}`, () => (each.faults ? refuses(file, each, each.faults) : turns(file, each)))
    }
  })
}

async function turns(
  { processor }: CaseFile,
  { config, input = {}, origin: { metadata = {}, ...origin } = {}, output }: Case,
): Promise<void> {
  const signal = SIGNAL_OF[Object.keys(input)[0] ?? ''] as Signal
  const bed = await TestBed.start(configuration(processor, config, signal))
  try {
    await bed.send(signal, written(input) as object, {
      origin: { metadata: new Map(Object.entries(metadata)), ...origin },
    })
  } finally {
    await bed.stop()
  }
  const [sent] = bed.sent
  if (output === null || output === undefined) return assert.equal(sent, undefined)
  assert.ok(sent, 'nothing came out')
  assert.deepEqual(sorted(toObject(sent.bytes, signal)), sorted(canonical(signal, written(output) as object)))
}

async function refuses({ processor }: CaseFile, { config, signal }: Case, faults: readonly string[]): Promise<void> {
  const message = await TestBed.start(configuration(processor, config, signal ?? 'logs')).then(
    async (bed) => {
      await bed.stop()
      return ''
    },
    (error: Error) => error.message,
  )
  const found = message.split('\n').filter((line) => line !== '')
  assert.equal(found.length, faults.length, message)
  for (const [index, fault] of faults.entries())
    assert.ok(found[index]?.includes(fault), `${found[index]} is not ${fault}`)
}

function configuration(processor: string, config: object, signal: Signal): string {
  const pipeline = { receivers: ['test_source'], processors: [processor], exporters: ['test_direct'] }
  return JSON.stringify({
    receivers: { test_source: null },
    processors: { [processor]: config },
    exporters: { test_direct: null },
    service: { pipelines: { [signal]: pipeline } },
  })
}

/** The same as the bytes say it: defaults and the way in which numbers were written are no difference. */
const canonical = (signal: Signal, request: object): object => toObject(fromObject(signal, request))

function written(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => written(each))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  if (key === 'attributes') return entries.map(([name, each]) => ({ key: name, value: anyValue(each) }))
  return Object.fromEntries(entries.map(([name, each]) => [name, written(each, name)]))
}

/** A plain value as AnyValue; what is one already stays. */
function anyValue(value: unknown): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  return value as object
}

function sorted(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    const list = value.map((each) => sorted(each))
    return key === 'attributes' ? list.toSorted((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1)) : list
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, sorted(each, name)]))
}

const keyOf = (attribute: unknown): string => (attribute as { key: string }).key
