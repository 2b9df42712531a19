import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineProcessor } from '../../../src/plugin.ts'
import type { Detected, Detector } from '../../../src/processors/resource_detection/detector.ts'
import { resourceDetectionOptions } from '../../../src/processors/resource_detection/options.ts'
import { resourceDetection } from '../../../src/processors/resource_detection/resource-detection.ts'
import { settle, TestBed, TestClock } from '../../../src/testing.ts'

const found = (attributes: Record<string, string>): Detected => ({
  attributes: new Map(Object.entries(attributes)),
  missing: [],
})

const detector = (name: string, detect: () => Promise<Detected>): Detector => ({ name, detect })

/** The processor with detectors of the test's own. */
function withDetectors(...detectors: Detector[]) {
  return defineProcessor({
    type: 'detect',
    summary: 'Detects as the test says.',
    stability: { logs: 'alpha' },
    config: resourceDetectionOptions,
    create: (context) => resourceDetection(context, detectors),
  })
}

const around = (body: string, type = 'detect'): string => `
  receivers: { test_source: }
  processors: { ${type}: ${body} }
  exporters: { test_sink: }
  service: { pipelines: { logs: { receivers: [test_source], processors: [${type}], exporters: [test_sink] } } }`

const statusOf = (bed: TestBed) => bed.graph.statuses().find(({ kind }) => kind === 'processor')

interface LogsRequest {
  readonly resourceLogs: readonly {
    readonly resource?: {
      readonly attributes?: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[]
    }
  }[]
}

/** Sends a log record of a resource, and says what the resource is then. */
async function through(bed: TestBed, attributes: Record<string, string> = {}): Promise<Record<string, string>> {
  const written = Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }))
  const before = bed.sent.length
  const record = { body: { stringValue: 'x' } }
  await bed.send('logs', {
    resourceLogs: [{ resource: { attributes: written }, scopeLogs: [{ logRecords: [record] }] }],
  })
  const request = (await bed.requests(before + 1)).at(-1) as LogsRequest
  const seen = request.resourceLogs[0]?.resource?.attributes ?? []
  return Object.fromEntries(seen.map(({ key, value }) => [key, value.stringValue]))
}

describe('the processor resource_detection', () => {
  test('sets what it detected on every resource, over what is there', async () => {
    const definition = withDetectors(detector('a', async () => found({ 'host.name': 'web-1' })))
    const bed = await TestBed.start(around(''), { definitions: [definition] })
    assert.deepEqual(await through(bed, { 'host.name': 'old', x: 'y' }), { 'host.name': 'web-1', x: 'y' })
    assert.deepEqual(await through(bed), { 'host.name': 'web-1' })
    assert.equal(statusOf(bed)?.state, 'ok')
    await bed.stop()
  })

  test('leaves what is there alone, where override is off', async () => {
    const definition = withDetectors(detector('a', async () => found({ 'host.name': 'web-1', 'host.id': '7' })))
    const bed = await TestBed.start(around('{ override: false }'), { definitions: [definition] })
    assert.deepEqual(await through(bed, { 'host.name': 'old' }), { 'host.name': 'old', 'host.id': '7' })
    await bed.stop()
  })

  test('lets the first detector decide, and takes only the attributes that are listed', async () => {
    const definition = withDetectors(
      detector('a', async () => found({ x: 'a' })),
      detector('b', async () => found({ x: 'b', y: 'b', z: 'b' })),
    )
    const bed = await TestBed.start(around('{ attributes: [x, y] }'), { definitions: [definition] })
    assert.deepEqual(await through(bed), { x: 'a', y: 'b' })
    await bed.stop()
  })

  test('starts without what a detector failed to find, says so, and sets it when a later attempt finds it', async () => {
    const clock = new TestClock()
    let attempts = 0
    const definition = withDetectors(
      detector('good', async () => found({ x: 'y' })),
      detector('late', async () => {
        if (++attempts < 3) throw new Error('nobody answers')
        return found({ 'host.name': 'web-1' })
      }),
    )
    const bed = await TestBed.start(around(''), { definitions: [definition], clock })
    assert.equal(statusOf(bed)?.state, 'recoverable_error')
    assert.equal(statusOf(bed)?.reason, 'resource detection failed: late: nobody answers')
    assert.deepEqual(await through(bed), { x: 'y' })
    await clock.advance(1500 + 3000)
    assert.equal(attempts, 3)
    assert.equal(statusOf(bed)?.state, 'ok')
    assert.deepEqual(await through(bed), { x: 'y', 'host.name': 'web-1' })
    await clock.advance(120_000)
    assert.equal(attempts, 3)
    await bed.stop()
  })

  test('tries once where retry is off', async () => {
    const clock = new TestClock()
    let attempts = 0
    const failing = detector('a', async () => {
      attempts++
      throw new Error('no')
    })
    const body = '{ retry: { enabled: false } }'
    const bed = await TestBed.start(around(body), { definitions: [withDetectors(failing)], clock })
    await clock.advance(300_000)
    assert.equal(attempts, 1)
    await bed.stop()
  })

  test('keeps the start waiting no longer than its timeout', async () => {
    const clock = new TestClock()
    const definition = withDetectors(detector('dead', () => new Promise(() => {})))
    const starting = TestBed.start(around('{ timeout: 2s }'), { definitions: [definition], clock })
    // Loading and checking the configuration come first, and take no time on this clock.
    for (let turn = 0; clock.waiting === 0 && turn < 1000; turn++) await settle()
    await clock.advance(2000)
    const bed = await starting
    assert.equal(statusOf(bed)?.reason, 'resource detection failed: dead: no answer within 2000 ms')
    assert.deepEqual(await through(bed), {})
    await bed.stop()
  })

  test('refreshes at its interval, and keeps what it had where that fails', async () => {
    const clock = new TestClock()
    const answers = [found({ zone: 'a' }), found({ zone: 'b' }), undefined]
    const definition = withDetectors(
      detector('zone', async () => {
        const answer = answers.shift()
        if (answer === undefined) throw new Error('gone')
        return answer
      }),
    )
    const bed = await TestBed.start(around('{ refresh_interval: 5m }'), { definitions: [definition], clock })
    assert.deepEqual(await through(bed), { zone: 'a' })
    await clock.advance(300_000)
    assert.deepEqual(await through(bed), { zone: 'b' })
    await clock.advance(300_000)
    assert.equal(statusOf(bed)?.state, 'recoverable_error')
    assert.deepEqual(await through(bed), { zone: 'b' })
    await bed.stop()
    assert.equal(clock.waiting, 0)
  })

  test('keeps the part that a detector failed to find again', async () => {
    const clock = new TestClock()
    const answers = [found({ zone: 'a', rack: '1' }), { ...found({ zone: 'b' }), failure: new Error('no rack') }]
    const definition = withDetectors(detector('zone', async () => answers.shift() as Detected))
    const bed = await TestBed.start(around('{ refresh_interval: 5m }'), { definitions: [definition], clock })
    await clock.advance(300_000)
    assert.deepEqual(await through(bed), { zone: 'b', rack: '1' })
    await bed.stop()
  })
})

describe('a configuration of resource_detection', () => {
  const refused = (body: string, pattern: RegExp) =>
    assert.rejects(TestBed.start(around(body, 'resource_detection')), pattern)

  test('detects this host by the name that the Collector had for it', async () => {
    const body = '{ detectors: [env, system], system: { hostname_sources: [os] } }'
    const bed = await TestBed.start(around(body, 'resourcedetection'))
    const resource = await through(bed)
    assert.equal(resource['os.type'], process.platform)
    assert.ok(resource['host.name'])
    await bed.stop()
  })

  test('may hold the options of detectors that it does not use', async () => {
    const bed = await TestBed.start(around('{ detectors: [env], ec2: { tags: [^a$] }, gcp: }', 'resource_detection'))
    await bed.stop()
  })

  test('is refused where a detector is not built yet, or is none', async () => {
    await refused('{ detectors: [env, docker] }', /detectors::1.*the detector "docker" is not built yet/)
    await refused('{ detectors: [systems] }', /invalid detector key: systems/)
    await refused('{ detectors: [] }', /there must be a detector/)
  })

  test('is refused where a source of names or an attribute does not exist', async () => {
    await refused('{ system: { hostname_sources: [fqdn] } }', /"fqdn" is no source of host names/)
    await refused('{ system: { resource_attributes: { host.nam: { enabled: true } } } }', /host\.nam/)
  })

  test('is refused without a timeout', () => refused('{ timeout: 0s }', /"timeout": requires positive value/))
})
