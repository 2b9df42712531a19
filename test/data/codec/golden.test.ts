import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { count } from '../../../src/data/kernels/count.ts'
import { join } from '../../../src/data/kernels/merge.ts'
import { validate } from '../../../src/data/kernels/validate.ts'
import { type Field, MESSAGES } from '../../../src/data/wire/schema.ts'
import { SIGNALS, type Signal } from '../../../src/data/signal.ts'
import { golden, goldenObject } from '../golden.ts'

const ITEMS: Readonly<Record<Signal, number>> = { traces: 4, metrics: 20, logs: 4, profiles: 8 }

for (const signal of SIGNALS) {
  test(`the golden request of ${signal}, which has every field, is read and written as Google's protobuf does`, () => {
    const bytes = golden(signal)
    assert.deepEqual(toObject(bytes, signal), goldenObject(signal))
    assert.deepEqual(join(fromObject(signal, goldenObject(signal))), bytes)
  })

  test(`the golden request of ${signal} passes validation and its items are counted`, () => {
    assert.equal(validate(signal, golden(signal)), ITEMS[signal])
    assert.equal(count(signal, golden(signal)), ITEMS[signal])
  })
}

test('the schema has the fields of the published messages, all and no other', () => {
  const published = readFileSync(new URL('../golden/descriptors.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n')
  const schema = Object.values(MESSAGES).flatMap(({ name, fields }) => fields.map((field) => line(name, field)))
  assert.deepEqual(schema.toSorted(), published.map(withShortNames).toSorted())
})

/** Messages that stand inside another have a name of their own in the schema. */
const SHORT: Readonly<Record<string, string>> = { 'Span.Event': 'SpanEvent', 'Span.Link': 'SpanLink' }

function withShortNames(line: string): string {
  return line.replaceAll(/opentelemetry\.proto\.[a-z0-9.]+\.([A-Z][\w.]*)/g, (_, name: string) => {
    return SHORT[name] ?? name.slice(name.lastIndexOf('.') + 1)
  })
}

function line(message: string, field: Field): string {
  const type = field.message === undefined ? field.scalar! : 'message'
  const kind = type.endsWith('_id') ? 'bytes' : type
  const words = [message, field.number, field.name, field.json, kind, field.repeated ? 'list' : 'one']
  const presence = field.presence && !field.repeated ? 'presence' : '-'
  return [...words, presence, field.message ?? '-', field.names?.join(',') ?? '-'].join(' ')
}
