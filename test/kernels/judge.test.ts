import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Findings, Traffic } from './findings.ts'
import { judge } from './judge.ts'
import { emitted, findings, traffic } from './told.ts'

const verdict = (given: Partial<Findings>) => judge({ ...findings, ...given })[0]

describe('what a tracer emitted is held to what was done', () => {
  for (const tracer of ['http', 'tcp', 'dns', 'exec'])
    test(`${tracer}: all of it is right`, () => {
      const lines = { tp_btf: emitted(tracer, traffic) }
      assert.deepEqual(verdict({ tracers: [{ tracer, rung: 'tp_btf' }], lines }), {
        tracer,
        rung: 'tp_btf',
        state: 'right',
        reasons: [],
      })
    })

  const changed: readonly (readonly [tracer: string, about: string, change: Partial<Traffic>, reason: RegExp])[] = [
    [
      'http',
      'another status',
      { calls: [{ ...traffic.calls[0]!, status: 500 }] },
      /the client's status is 200 and not 500/,
    ],
    ['http', 'another method', { calls: [{ ...traffic.calls[0]!, method: 'PUT' }] }, /the client's method is "GET"/],
    ['http', 'another port', { calls: [{ ...traffic.calls[0]!, port: 9 }] }, /server.port is 8081 and not 9/],
    ['http', 'another client', { calls: [{ ...traffic.calls[0]!, client: 77 }] }, /the client's pid is 5 and not 77/],
    ['http', 'another server', { calls: [{ ...traffic.calls[0]!, server: 78 }] }, /the server's pid is 6 and not 78/],
    ['http', 'a request more', { calls: [{ ...traffic.calls[0]!, path: '/b' }] }, /client and server is \[0,0\]/],
    ['tcp', 'a connection more', { connections: [{ port: 8081, count: 2 }] }, /1 and 1 and not 2 each/],
    ['tcp', 'another refusal', { refused: { pid: 5, port: 4 } }, /port 4: 0 records of failure/],
    ['tcp', 'another process refused', { refused: { pid: 9, port: 8083 } }, /the pid is 5 and not 9/],
    [
      'dns',
      'another code',
      { queries: [{ ...traffic.queries[0]!, code: 'SERVFAIL' }] },
      /"NOERROR" and not "SERVFAIL"/,
    ],
    [
      'dns',
      'another address',
      { queries: [{ ...traffic.queries[0]!, addresses: [] }] },
      /addresses is \["192.0.2.7"\]/,
    ],
    ['exec', 'another code', { processes: [{ ...traffic.processes[0]!, code: 0 }] }, /the exit code is 7 and not 0/],
    ['exec', 'a signal', { processes: [{ ...traffic.processes[0]!, signal: 'SIGKILL' }] }, /the signal is null/],
    ['exec', 'another program', { processes: [{ ...traffic.processes[0]!, pid: 8 }] }, /records is \[\]/],
  ]
  for (const [tracer, about, change, reason] of changed)
    test(`${tracer}: ${about} is found out`, () => {
      const lines = { tp_btf: emitted(tracer, traffic) }
      const found = verdict({ tracers: [{ tracer, rung: 'tp_btf' }], lines, traffic: { ...traffic, ...change } })
      assert.equal(found?.state, 'wrong')
      assert.match(found?.reasons.join('\n') ?? '', reason)
    })

  test('bytes on which the ends disagree are found out', () => {
    const [client = '', ...others] = emitted('tcp', traffic)
    const lines = { tp_btf: [client.replace('"87"', '"86"'), ...others] }
    const found = verdict({ tracers: [{ tracer: 'tcp', rung: 'tp_btf' }], lines })
    assert.match(found?.reasons.join() ?? '', /bytes sent and received are 86 and 87, 812 and 812/)
  })

  test('a secret that was not redacted is found out', () => {
    const lines = { tp_btf: emitted('exec', traffic).map((line) => line.replace('[REDACTED]', 'hunter2')) }
    const found = verdict({ tracers: [{ tracer: 'exec', rung: 'tp_btf' }], lines })
    assert.match(found?.reasons.join() ?? '', /hunter2/)
  })

  test('a server that is not below its client is found out', () => {
    const lines = { tp_btf: emitted('http', traffic).map((line) => line.replace('parentSpanId', 'noParent')) }
    const found = verdict({ tracers: [{ tracer: 'http', rung: 'tp_btf' }], lines })
    assert.match(found?.reasons.join() ?? '', /the server's trace and parent/)
  })

  test('a tracer that could not trace is not judged', () => {
    const found = verdict({ tracers: [{ tracer: 'http', rung: 'fentry', reason: 'EPERM' }] })
    assert.deepEqual(found, { tracer: 'http', rung: 'fentry', state: 'unavailable', reasons: ['EPERM'] })
  })

  test('what other tracers emitted is nobody else’s', () => {
    const lines = { tp_btf: emitted('dns', traffic) }
    assert.equal(verdict({ tracers: [{ tracer: 'http', rung: 'tp_btf' }], lines })?.state, 'wrong')
  })
})
