import assert from 'node:assert/strict'
import { request } from 'node:http'
import { describe, test } from 'node:test'
import type { EdgeReading, ReloadReport } from '../../../src/plugin.ts'
import { REPORT, stage, until } from './stage.ts'

describe('the admin endpoint', () => {
  test('has a page that names all there is, loads nothing, and may not be framed or cached', async (t) => {
    const { ask } = await stage(t)
    const { code, text, headers } = await ask('GET', '/')
    assert.equal(code, 200)
    for (const path of ['/status', '/plan', '/config', '/-/reload', '/log-level', '/tap', '/debug/cpu', '/debug/heap'])
      assert.ok(text.includes(path), path)
    assert.doesNotMatch(text, /<script|src=|https?:/)
    assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/)
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['access-control-allow-origin'], undefined)
  })

  test('tells how everything is', async (t) => {
    const { ask, context } = await stage(t, '', { lastReload: REPORT })
    const { json } = await ask('GET', '/status')
    const {
      version,
      ready,
      pipelines,
      components,
      budgets,
      queues,
      last_reload: reload,
      started,
    } = json as Record<string, never>
    assert.deepEqual([version, ready, pipelines], ['1.2.3', true, ['traces']])
    assert.deepEqual(started, new Date(context.host.startTime).toISOString())
    assert.deepEqual(components, [{ kind: 'receiver', id: 'otlp', pipelines: ['traces'], state: 'ok', since: started }])
    assert.deepEqual(budgets, [{ signal: 'traces', used: 1, limit: 2 }])
    assert.deepEqual(queues, [{ exporter: 'nop', signal: 'traces', size: 3, capacity: 4 }])
    assert.deepEqual(reload, { ...REPORT, at: '2026-01-02T00:00:00.000Z' })
  })

  test('tells what flows on every edge while it looks', async (t) => {
    const edge = (items: number, bytes: number): EdgeReading[] => [
      { pipeline: 'traces', signal: 'traces', from: 'otlp', to: 'batch', items, bytes },
    ]
    let readings = 0
    const { ask } = await stage(t, '', { edges: () => (readings++ % 2 === 0 ? edge(100, 1000) : edge(150, 3048)) })
    const { json } = await ask('GET', '/plan?seconds=0.1')
    const { seconds, edges } = json as { seconds: number; edges: Record<string, number>[] }
    assert.ok(seconds >= 0.1 && seconds < 5, `${seconds}`)
    assert.equal(edges[0]?.['items'], 150)
    // Noise of the machine goes into the measured time and not into the rate.
    assert.ok(Math.abs((edges[0]?.['items_per_second'] ?? 0) - 50 / seconds) < 260, JSON.stringify(edges))
    assert.ok(Math.abs((edges[0]?.['bytes_per_second'] ?? 0) / (edges[0]?.['items_per_second'] ?? 1) - 2048 / 50) < 0.1)
    assert.match(
      (await ask('GET', '/plan?format=mermaid&seconds=0.1')).text,
      /^mermaid: otlp > batch: [\d.]+ spans\/s, [\d.]+ KiB\/s$/,
    )
    assert.equal((await ask('GET', '/plan?format=png')).code, 400)
    for (const wrong of ['0', '-1', '11', 'x', 'Infinity'])
      assert.equal((await ask('GET', `/plan?seconds=${wrong}`)).code, 400)
  })

  test('hands out the effective configuration', async (t) => {
    const { ask } = await stage(t)
    const { text, headers } = await ask('GET', '/config')
    assert.equal(text, 'receivers: {}\n')
    assert.equal(headers['content-type'], 'application/yaml; charset=utf-8')
  })

  const OUTCOMES: readonly (readonly [ReloadReport['outcome'], number])[] = [
    ['unchanged', 200],
    ['reloaded', 200],
    ['refused', 422],
    ['rolled_back', 500],
    ['failed', 500],
  ]
  for (const [outcome, status] of OUTCOMES)
    test(`answers a reload that is ${outcome} with ${status} and the report`, async (t) => {
      const { ask } = await stage(t, '', { reload: async () => ({ ...REPORT, outcome }) })
      const { code, json } = await ask('POST', '/-/reload')
      assert.equal(code, status)
      assert.deepEqual(json, { ...REPORT, outcome, at: '2026-01-02T00:00:00.000Z' })
    })

  test('answers a reload that stops it, after the stop', async (t) => {
    const reloaded = Promise.withResolvers<ReloadReport>()
    let asked = false
    const { ask, server } = await stage(t, '', { reload: () => ((asked = true), reloaded.promise) })
    const reply = ask('POST', '/-/reload')
    await until(() => asked, 'the reload')
    await server.stop?.(new AbortController().signal)
    reloaded.resolve(REPORT)
    assert.equal((await reply).code, 200)
    assert.equal((await reply).headers.connection, 'close')
  })

  test('tells and changes the log level', async (t) => {
    const { ask, control } = await stage(t)
    assert.deepEqual((await ask('GET', '/log-level')).json, { level: 'info' })
    assert.deepEqual((await ask('PUT', '/log-level', { body: 'debug\n' })).json, { level: 'debug' })
    assert.equal(control.logLevel, 'debug')
    assert.deepEqual((await ask('PUT', '/log-level', { body: '{"level": "warn"}' })).json, { level: 'warn' })
    for (const body of ['loud', '', '{"level":"x"}', `${' '.repeat(300)}info`])
      assert.equal((await ask('PUT', '/log-level', { body })).code, 400, body)
    assert.equal(control.logLevel, 'warn')
  })

  test('says what there is where somebody asks for something else', async (t) => {
    const { ask } = await stage(t)
    assert.match((await ask('GET', '/nothing')).text, /there is \/, \/status, \/plan/)
    assert.equal((await ask('GET', '/nothing')).code, 404)
    const { code, text } = await ask('GET', '/-/reload')
    assert.equal(code, 405)
    assert.match(text, /takes POST/)
    assert.equal((await ask('DELETE', '/status')).code, 405)
    const head = await ask('HEAD', '/status')
    assert.deepEqual([head.code, head.text], [200, ''])
  })

  test('lets no page of another origin and no foreign name through, to any path, and tells it once a minute', async (t) => {
    let reloads = 0
    const { ask, context } = await stage(t, '', { reload: async () => (reloads++, REPORT) })
    for (let time = 0; time < 3; time++) {
      assert.equal((await ask('POST', '/-/reload', { headers: { origin: 'http://evil.example' } })).code, 403)
      assert.equal((await ask('GET', '/tap?target=x', { headers: { 'sec-fetch-site': 'cross-site' } })).code, 403)
      assert.equal((await ask('POST', '/-/reload', { headers: { host: 'evil.example' } })).code, 421)
    }
    assert.equal(reloads, 0)
    assert.deepEqual(
      context.lines.filter((line) => line.startsWith('warn')),
      ['warn A request to the admin endpoint was refused', 'warn A request to the admin endpoint was refused'],
    )
  })

  test('says that something failed, and not what', async (t) => {
    const { ask, context } = await stage(t, '', {
      configuration: async () => Promise.reject(new Error('the password is hunter2')),
    })
    const { code, text } = await ask('GET', '/config')
    assert.equal(code, 500)
    assert.doesNotMatch(text, /hunter2/)
    assert.ok(context.lines.includes('error Answering a request failed'))
  })

  test('makes a CPU profile that tools can read, one at a time', async (t) => {
    const { ask } = await stage(t)
    const [first, second] = await Promise.all([ask('GET', '/debug/cpu?seconds=1'), ask('GET', '/debug/cpu?seconds=1')])
    assert.deepEqual(new Set([first.code, second.code]), new Set([200, 429]))
    const profile = (first.code === 200 ? first : second).json as Record<string, never[]>
    assert.ok((profile['nodes']?.length ?? 0) > 1)
    assert.equal(profile['samples']?.length, profile['timeDeltas']?.length)
    assert.ok((profile['endTime'] as unknown as number) > (profile['startTime'] as unknown as number))
    assert.equal((await ask('GET', '/debug/cpu?seconds=1000')).code, 400)
  })

  test('makes a heap snapshot that tools can read', async (t) => {
    const { ask } = await stage(t)
    const { code, json, headers } = await ask('GET', '/debug/heap')
    assert.equal(code, 200)
    assert.match(headers['content-disposition'] ?? '', /telegen\.heapsnapshot/)
    const { snapshot, nodes } = json as {
      snapshot: { meta: { node_fields: string[] }; node_count: number }
      nodes: number[]
    }
    assert.equal(nodes.length, snapshot.node_count * snapshot.meta.node_fields.length)
  })

  test('breaks off a profile that nobody waits for any more, and makes the next', async (t) => {
    const { ask, port, context } = await stage(t)
    const left = request({ host: '127.0.0.1', port, path: '/debug/cpu?seconds=60', agent: false })
    left.on('error', () => {}).end()
    await until(() => context.lines.includes('info A CPU profile was asked for'), 'the profile')
    left.destroy()
    let code = 429
    for (let attempt = 0; code === 429 && attempt < 5; attempt++) ({ code } = await ask('GET', '/debug/cpu?seconds=1'))
    assert.equal(code, 200)
  })
})
