import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faults, outage } from '../chaos/outage.ts'

for (const shape of ['pass', 'batch', 'fan-out'] as const)
  test(`a backend that is away for some seconds costs nothing that was acknowledged (${shape})`, async () => {
    const report = await outage({ shape, before: 500, down: 5_000, after: 1_000, rate: 20_000 })
    assert.deepEqual([...faults(report)], [], JSON.stringify(report))
  })
