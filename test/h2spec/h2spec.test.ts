import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findJudge, judge } from './judge.ts'
import { startTelegen } from './judged-telegen.ts'

test('the OTLP receiver speaks HTTP/2 as h2spec wants it', async (t) => {
  const found = findJudge()
  if ('missing' in found) return t.skip(found.missing)
  const telegen = await startTelegen()
  t.after(() => telegen.stop())
  const { cases, others, report } = await judge(found.program, telegen.plain, false)
  assert.deepEqual(others, [], report)
  assert.ok(cases > 140, `${cases} cases`)
})
