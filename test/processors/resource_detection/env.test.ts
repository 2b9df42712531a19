import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { envDetector, parseResourceAttributes } from '../../../src/processors/resource_detection/detectors/env.ts'

const detect = async (environment: Record<string, string>, allowed?: string[]) => {
  const { attributes } = await envDetector(environment, allowed).detect(new AbortController().signal)
  return Object.fromEntries(attributes)
}

describe('the detector env', () => {
  test('reads keys and values, and leaves out the blanks around them', async () => {
    const environment = { OTEL_RESOURCE_ATTRIBUTES: ' service.name=shop , deployment.environment.name = a b ,' }
    assert.deepEqual(await detect(environment), { 'service.name': 'shop', 'deployment.environment.name': 'a b' })
  })

  test('undoes percent-encoding, and nothing else', async () => {
    const environment = { OTEL_RESOURCE_ATTRIBUTES: 'a=1%2C2%3D3,b=x+y=z,c=%C3%A4' }
    assert.deepEqual(await detect(environment), { a: '1,2=3', b: 'x+y=z', c: 'ä' })
  })

  test('finds nothing in an empty environment, and takes empty values as they are', async () => {
    assert.deepEqual(await detect({}), {})
    assert.deepEqual(await detect({ OTEL_RESOURCE_ATTRIBUTES: 'a=' }), { a: '' })
  })

  test('prefers OTEL_SERVICE_NAME, and knows the older OTEL_RESOURCE', async () => {
    const both = { OTEL_RESOURCE_ATTRIBUTES: 'service.name=a', OTEL_SERVICE_NAME: 'b' }
    assert.deepEqual(await detect(both), { 'service.name': 'b' })
    assert.deepEqual(await detect({ OTEL_RESOURCE: 'x=y' }), { x: 'y' })
  })

  test('takes only what is allowed', async () => {
    assert.deepEqual(await detect({ OTEL_RESOURCE_ATTRIBUTES: 'a=1,b=2' }, ['b']), { b: '2' })
  })

  test('discards everything where a part is wrong, and says which', async () => {
    await assert.rejects(detect({ OTEL_RESOURCE_ATTRIBUTES: 'a=1,b' }), /invalid text: "b"/)
    await assert.rejects(detect({ OTEL_RESOURCE_ATTRIBUTES: '=1' }), /invalid text: "=1"/)
    await assert.rejects(detect({ OTEL_RESOURCE_ATTRIBUTES: 'a=%zz' }), /"a=%zz" is not percent-encoded/)
  })

  test('reads back whatever is percent-encoded', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 12 })
    const attributes = fc.dictionary(
      text.filter((key) => key.trim() !== ''),
      text,
      { maxKeys: 6 },
    )
    fc.assert(
      fc.property(attributes, (expected) => {
        const written = Object.entries(expected).map((pair) => pair.map(encodeURIComponent).join('='))
        assert.deepEqual(parseResourceAttributes(written.join(',')), new Map(Object.entries(expected)))
      }),
    )
  })
})
