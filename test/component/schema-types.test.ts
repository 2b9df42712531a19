import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import TypeBox from 'typebox'
import { Default } from 'typebox/value'
import { Type } from '../../src/component/schema-types.ts'
import type { SchemaTypes } from '../../src/component/schema-types.ts'

const samples = (type: SchemaTypes) => ({
  object: type.Object(
    {
      needed: type.Integer({ minimum: 1 }),
      left: type.Optional(type.String({ default: 'x', description: 'Text.' })),
      block: type.Object({ flag: type.Boolean({ default: true }) }, { default: {} }),
    },
    { additionalProperties: false },
  ),
  allOptional: type.Object({ only: type.Optional(type.Number()) }),
  union: type.Union([type.Literal('a'), type.Literal(1), type.Null()], { description: 'One of them.' }),
  record: type.Record(type.String(), type.Integer(), { default: {} }),
  list: type.Array(type.Unknown(), { default: [] }),
  unsafe: type.Object({ own: type.Unsafe<number>({ type: 'string', telegen: 'duration' }) }),
  optionalUnsafe: type.Object({ own: type.Optional(type.Unsafe(type.Object({}))) }),
})

describe('schema constructors', () => {
  const own = samples(Type)
  for (const [name, expected] of Object.entries(samples(TypeBox)))
    test(`make the same schema as TypeBox: ${name}`, () => {
      assert.deepEqual(JSON.parse(JSON.stringify(own[name as keyof typeof own])), JSON.parse(JSON.stringify(expected)))
    })

  test("are known to TypeBox's own tools", () => {
    assert.deepEqual(Default(own.object, { needed: 2 }), { needed: 2, block: { flag: true }, left: 'x' })
  })
})
