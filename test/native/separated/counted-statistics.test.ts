import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Addon } from '../../../src/native/addon.ts'
import { countedStatistics } from '../../../src/native/separated/counted-statistics.ts'

test('statistics are counted from the first agent that wants them until the last has gone', () => {
  const kept: boolean[] = []
  let refuses = true
  const statisticsKeeper: Addon['statisticsKeeper'] = {
    start: () => 7,
    keep(keeper, enabled) {
      assert.equal(keeper, 7)
      if (refuses) throw new Error('EPERM')
      kept.push(enabled)
    },
  }
  const statistics = countedStatistics({ statisticsKeeper } as Addon)
  assert.throws(() => statistics.enable(), /EPERM/)
  refuses = false
  const ends = [statistics.enable(), statistics.enable()]
  assert.deepEqual(kept, [true])
  ends[0]?.()
  ends[0]?.()
  assert.deepEqual(kept, [true])
  ends[1]?.()
  assert.deepEqual(kept, [true, false])
  statistics.enable()()
  assert.deepEqual(kept, [true, false, true, false])
})
