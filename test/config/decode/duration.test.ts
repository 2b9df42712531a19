import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { duration } from '../../../src/config/decode/duration.ts'

/** After the tables of Go's time package (TestParseDuration). */
const GOOD: readonly (readonly [text: string, milliseconds: number])[] = [
  ['0', 0],
  ['5s', 5000],
  ['30s', 30_000],
  ['1478s', 1_478_000],
  ['-5s', -5000],
  ['+5s', 5000],
  ['-0', 0],
  ['+0', 0],
  ['5.0s', 5000],
  ['5.6s', 5600],
  ['5.s', 5000],
  ['.5s', 500],
  ['1.0040s', 1004],
  ['10ns', 0.00001],
  ['11us', 0.011],
  ['12µs', 0.012],
  ['12μs', 0.012],
  ['13ms', 13],
  ['15m', 900_000],
  ['16h', 57_600_000],
  ['3h30m', 12_600_000],
  ['10.5s4m', 250_500],
  ['-2m3.4s', -123_400],
  ['1h2m3s4ms', 3_723_004],
  ['39h9m14.425s', 140_954_425],
]

const BAD: readonly (readonly [text: string, problem: string])[] = [
  ['', 'time: invalid duration ""'],
  ['3', 'time: missing unit in duration "3"'],
  ['-', 'time: invalid duration "-"'],
  ['s', 'time: invalid duration "s"'],
  ['.', 'time: invalid duration "."'],
  ['-.', 'time: invalid duration "-."'],
  ['.s', 'time: invalid duration ".s"'],
  ['+.s', 'time: invalid duration "+.s"'],
  ['1d', 'time: unknown unit "d" in duration "1d"'],
  ['1S', 'time: unknown unit "S" in duration "1S"'],
  ['5 s', 'time: unknown unit " s" in duration "5 s"'],
  ['9223372036854775810000ns', 'time: invalid duration "9223372036854775810000ns"'],
  ['3000000h', 'time: invalid duration "3000000h"'],
]

describe('durations read as Go reads them', () => {
  for (const [text, milliseconds] of GOOD)
    test(text, () => {
      const read = duration(text)
      assert.ok(typeof read === 'number')
      assert.ok(Math.abs(read - milliseconds) <= Math.abs(milliseconds) * 1e-12, `${read}`)
    })

  for (const [text, problem] of BAD) test(`${text}: ${problem}`, () => assert.deepEqual(duration(text), { problem }))

  test('hours, minutes and seconds add up', () => {
    const small = fc.nat({ max: 1000 })
    fc.assert(
      fc.property(small, small, small, (hours, minutes, seconds) => {
        assert.equal(duration(`${hours}h${minutes}m${seconds}s`), ((hours * 60 + minutes) * 60 + seconds) * 1000)
      }),
    )
  })

  test('any text is a number or a sentence', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const read = duration(text)
        assert.ok(typeof read === 'number' ? Number.isFinite(read) : read.problem.startsWith('time: '))
      }),
    )
  })
})
