import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  ALWAYS,
  hashThreshold,
  isLess,
  keeps,
  NEVER,
  parseRandomness,
  parseThreshold,
  probabilityOf,
  randomnessText,
  thresholdOf,
  thresholdText,
} from '../../../src/data/sampling/bits.ts'
import { TraceState } from '../../../src/data/sampling/trace-state.ts'

const half = fc.nat({ max: 2 ** 28 - 1 })
const bits = fc.record({ high: half, low: half }, { noNullPrototype: true })
const whole = ({ high, low }: { high: number; low: number }) => BigInt(high) * 2n ** 28n + BigInt(low)

describe('numbers of 56 bits', () => {
  test('compare as whole numbers do', () => {
    fc.assert(
      fc.property(bits, bits, (a, b) => {
        assert.equal(isLess(a, b), whole(a) < whole(b))
        assert.equal(keeps(a, b), whole(a) <= whole(b))
      }),
    )
  })

  test('are the same after being written and read', () => {
    fc.assert(
      fc.property(bits, (each) => {
        assert.deepEqual(parseRandomness(randomnessText(each)), each)
        assert.deepEqual(parseThreshold(thresholdText(each)), each)
      }),
    )
  })

  test('are written as the specification writes its examples', () => {
    const share = (probability: number, precision = 4) => thresholdText(thresholdOf(probability, precision)!)
    assert.deepEqual(
      [1, 1 / 2, 1 / 4, 1 / 3, 1 / 1000].map((each) => share(each)),
      ['0', '8', 'c', 'aaab', 'ffbe77'],
    )
    assert.equal(share(1 / 3, 14), 'aaaaaaaaaaaaac')
    assert.equal(share(1e-9, 3), 'fffffffbb4')
  })

  test('round a share to the digits that are asked for', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 2 ** -56, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 14 }),
        (share, digits) => {
          const error = Math.abs(probabilityOf(thresholdOf(share, digits)!) - share)
          assert.ok(error <= 2 ** -56 + 16 ** -digits / 2, String(error))
        },
      ),
    )
  })

  test('know no share beyond 1 or below 2^-56', () => {
    for (const share of [0, -1, 1.01, NaN, 2 ** -57]) assert.equal(thresholdOf(share, 4), undefined)
    assert.deepEqual(thresholdOf(1, 4), ALWAYS)
  })

  test('cut a percentage into 16384 buckets, as the Collector does in 32 bits', () => {
    assert.deepEqual(hashThreshold(100), ALWAYS)
    assert.deepEqual(hashThreshold(50), { high: 2 ** 27, low: 0 })
    assert.equal(hashThreshold(0.006), undefined)
    assert.equal(thresholdText(NEVER), '')
  })
})

describe('a trace state', () => {
  const read = (text: string) => {
    const state = new TraceState(text)
    return [state.isSound, state.thresholdText, state.randomnessText, String(state)]
  }
  test('is read and written, its own member first', () => {
    assert.deepEqual(read(''), [true, '', '', ''])
    assert.deepEqual(read('ot=th:8'), [true, '8', '', 'ot=th:8'])
    assert.deepEqual(read('v=1, ot=p:q;th:c;rv:0123456789abcd ,w@x=2'), [
      true,
      'c',
      '0123456789abcd',
      'ot=rv:0123456789abcd;th:c;p:q,v=1,w@x=2',
    ])
  })

  test('that is damaged is unsound, and holds what could be read', () => {
    for (const text of ['ot', '=1', 'A=1', 'ot=', 'a=1,b', 'a=ä'.normalize(), `a=${'x'.repeat(257)}`, 'x'.repeat(1025)])
      assert.deepEqual(read(text), [false, '', '', ''], text)
    assert.deepEqual(read('ot=th:8;rv:12'), [false, '8', '', 'ot=th:8'])
    assert.deepEqual(read('v=1,ot=th:8;;'), [false, '', '', 'v=1'])
  })

  test('of any text is read without a throw, and what it writes is sound or empty', () => {
    const member = fc.oneof(fc.string(), fc.constantFrom('ot=th:8', 'ot=rv:0123456789abcd', 'a=b', ' '))
    fc.assert(
      fc.property(fc.array(member, { maxLength: 40 }), (members) => {
        const state = new TraceState(members.join(','))
        const again = new TraceState(String(state))
        assert.ok(again.isSound)
        assert.equal(String(again), String(state))
      }),
    )
  })
})
