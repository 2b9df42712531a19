import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { count } from '../../../src/data/kernels/count.ts'
import { validate } from '../../../src/data/kernels/validate.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { SIGNALS } from '../../../src/data/signal.ts'
import type { Signal } from '../../../src/data/signal.ts'
import { Random } from '../../../src/receivers/telemetry_generator/random.ts'
import { Template } from '../../../src/receivers/telemetry_generator/template.ts'

const NOW = 1_700_000_000_123_456_789n
const OF = { items: 10, resources: 3, attributes: 2, attributeSize: 5 }

const written = (template: Template, first: number, seed = 1) => {
  const buffer = Buffer.alloc(template.bytes.length)
  template.write(buffer, first, NOW, new Random(seed))
  return buffer
}

/** Every int of a sequence attribute, in order; in profiles the numbers stand in the dictionary. */
function numbers(signal: Signal, bytes: Buffer): number[] {
  const found: number[] = []
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const {
      key,
      keyStrindex,
      value: inner,
    } = value as { key?: string; keyStrindex?: number; value?: { intValue?: string } }
    if (key === 'telemetry_generator.sequence' || (signal === 'profiles' && keyStrindex === 1))
      found.push(Number(inner?.intValue))
    for (const each of Object.values(value)) look(each)
  }
  look(toObject(bytes, signal))
  return found
}

describe('a template', () => {
  for (const signal of SIGNALS) {
    test(`of ${signal} makes well-formed requests of so many items, numbered on`, () => {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 2 ** 40 }), fc.integer({ min: 1, max: 300 }), (first, items) => {
          const template = new Template(signal, { ...OF, first, items })
          const bytes = written(template, first)
          assert.equal(count(signal, bytes), items)
          validate(signal, bytes)
          assert.deepEqual(
            numbers(signal, bytes),
            Array.from({ length: items }, (_, index) => first + index),
          )
        }),
        { numRuns: 20 },
      )
    })

    test(`of ${signal} leaves no mark in a request, and the same seed makes the same one`, () => {
      const template = new Template(signal, { ...OF, first: 0 })
      const [once, again, other] = [written(template, 0), written(template, 0), written(template, 0, 2)]
      assert.ok(once.equals(again))
      for (const mark of ['f0f1f2f3', 'e0e1e2e3', 'd0d1d2d3', 'c0c1c2c3', 'b0b1b2b3'])
        assert.equal(once.indexOf(Buffer.from(mark, 'hex')), -1, mark)
      if (signal !== 'logs') assert.ok(!once.equals(other))
    })
  }

  test('fits exactly the requests that it can be written to, whatever the length of their numbers', () => {
    const firsts = [0, 1, 100, 117, 118, 119, 127, 128, 129, 16_370, 16_374, 16_375, 16_384, 2 ** 31, 2 ** 40]
    for (const made of firsts)
      for (const first of firsts) {
        const template = new Template('logs', { ...OF, first: made })
        const wanted = new Template('logs', { ...OF, first })
        assert.equal(
          template.fits(first, OF.items),
          template.bytes.length === wanted.bytes.length && sameSizes(made, first),
        )
        if (template.fits(first, OF.items)) assert.ok(written(template, first).equals(written(wanted, first)))
      }
    assert.ok(!new Template('logs', { ...OF, first: 0 }).fits(0, OF.items - 1))
  })
})

const sizes = (first: number) =>
  Array.from({ length: OF.items }, (_, index) => Math.ceil(Math.log2(first + index + 1) / 7) || 1)
const sameSizes = (a: number, b: number) => String(sizes(a)) === String(sizes(b))
