import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refused } from '../../src/plugin.ts'
import { TestBed, TestClock } from '../../src/testing.ts'
import { logsRequest, spansRequest } from './requests.ts'

const CONFIG = `
  receivers: { test_source: }
  exporters: { test_direct: }
  service:
    pipelines:
      logs: { receivers: [test_source], exporters: [test_direct] }
      traces: { receivers: [test_source], exporters: [test_direct] }`

const refuse = () => {
  throw new Refused('the disk is full', { code: 'unavailable', retry: {} })
}

describe('the status of an exporter', () => {
  test('is in trouble while one of its signals is', async () => {
    let broken = true
    const bed = await TestBed.start(CONFIG, {
      onSend: ({ signal }) => (broken && signal === 'logs' ? refuse() : undefined),
    })
    await assert.rejects(bed.send('logs', logsRequest('a')))
    await bed.send('traces', spansRequest('a'))
    assert.equal(bed.status('test_direct').state, 'recoverable_error')
    broken = false
    await bed.send('logs', logsRequest('a'))
    assert.equal(bed.status('test_direct').state, 'ok')
    await bed.stop()
  })

  test('that comes and goes with every batch does not flood the log', async () => {
    let sends = 0
    const clock = new TestClock()
    const bed = await TestBed.start(CONFIG, { clock, onSend: () => (sends++ % 2 === 0 ? refuse() : undefined) })
    const flap = async () => {
      for (let count = 0; count < 50; count++) await bed.send('logs', logsRequest('a')).catch(() => {})
      return bed.logs.filter(({ level, message }) => level !== 'debug' && message.startsWith('Component is')).length
    }
    assert.equal(await flap(), 2)
    await clock.advance(61_000)
    assert.equal(await flap(), 4)
    await bed.stop()
  })
})
