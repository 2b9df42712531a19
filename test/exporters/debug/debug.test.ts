import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Refused, UNKNOWN_ORIGIN } from '../../../src/plugin.ts'
import type { Batch, Signal } from '../../../src/plugin.ts'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import { merge } from '../../../src/data/kernels/merge.ts'
import { tally } from '../../../src/data/kernels/tally.ts'
import { faults } from '../../../src/exporters/debug/options.ts'
import type { DebugConfig } from '../../../src/exporters/debug/options.ts'
import { printer } from '../../../src/exporters/debug/printer.ts'
import { fixed, shortest, textOf, timeOf } from '../../../src/exporters/debug/text.ts'
import { TestContext } from '../../component/test-context.ts'

const CONFIG: DebugConfig = {
  verbosity: 'basic',
  sampling_initial: 2,
  sampling_thereafter: 1,
  use_internal_logger: false,
  output_paths: ['stdout'],
}

class Screen extends Writable {
  text = ''
  writes = 0
  override _write(chunk: Buffer, _: string, done: (error?: Error) => void): void {
    this.text += chunk.toString()
    this.writes++
    done()
  }
}

function stage(options: Partial<DebugConfig> = {}, stdout: Writable = new Screen()) {
  const signals: Signal[] = ['traces', 'metrics', 'logs']
  const context = Object.assign(new TestContext('debug', { ...CONFIG, ...options }), { signals })
  const exporter = printer(context, { stdout, stderr: new Screen() })
  const abort = new AbortController()
  const send = (batch: Batch) =>
    exporter.send(batch, { abort: abort.signal, cancellation: abort.signal, origin: UNKNOWN_ORIGIN })
  return { context, exporter, send, abort, lines: () => (stdout as Screen).text.split('\n').slice(0, -1) }
}

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } })

const spans = fromObject('traces', {
  resourceSpans: [
    {
      resource: {
        attributes: [attribute('service.name', 'shop')],
        entityRefs: [{ type: 'service', idKeys: ['service.name'] }],
      },
      schemaUrl: 'https://opentelemetry.io/schemas/1.44.0',
      scopeSpans: [
        {
          scope: { name: 'http', version: '1.2', attributes: [attribute('a', 'b')] },
          spans: [
            {
              traceId: '0102030405060708090a0b0c0d0e0f10',
              spanId: '1112131415161718',
              name: 'GET /cart',
              kind: 2,
              startTimeUnixNano: '1581452772000000321',
              endTimeUnixNano: '1581452773000000000',
              attributes: [attribute('http.route', '/cart'), { key: 'size', value: { intValue: '3' } }],
              status: { code: 2, message: 'no cart' },
              events: [
                { name: 'exception', timeUnixNano: '1581452772500000000', attributes: [attribute('kind', 'E')] },
              ],
              links: [
                { traceId: '0102030405060708090a0b0c0d0e0f11', spanId: '1112131415161719', droppedAttributesCount: 4 },
              ],
              droppedEventsCount: 1,
            },
            { name: 'second' },
          ],
        },
      ],
    },
  ],
})

const metrics = fromObject('metrics', {
  resourceMetrics: [
    {
      scopeMetrics: [
        {
          metrics: [
            {
              name: 'system.cpu.time',
              unit: 's',
              sum: {
                isMonotonic: true,
                aggregationTemporality: 2,
                dataPoints: [{ asDouble: 123.456, attributes: [attribute('state', 'user'), attribute('cpu', '0')] }],
              },
            },
            { name: 'temperature', gauge: { dataPoints: [{ asInt: '-7' }] }, metadata: [attribute('source', 'probe')] },
            {
              name: 'duration',
              histogram: {
                aggregationTemporality: 1,
                dataPoints: [
                  {
                    count: '1340',
                    sum: 99.573,
                    min: 0.017,
                    max: 8.13,
                    explicitBounds: [0.125, 1],
                    bucketCounts: ['1324', '13', '3'],
                    exemplars: [
                      { asDouble: 0.5, spanId: '1112131415161718', filteredAttributes: [attribute('user', 'me')] },
                    ],
                  },
                ],
              },
            },
            {
              name: 'sizes',
              exponentialHistogram: {
                aggregationTemporality: 2,
                dataPoints: [
                  {
                    count: '8',
                    scale: 0,
                    zeroCount: '1',
                    zeroThreshold: 0.001,
                    positive: { offset: 1, bucketCounts: ['1', '2'] },
                    negative: { offset: -1, bucketCounts: ['3', '1'] },
                  },
                ],
              },
            },
            {
              name: 'quantiles',
              summary: { dataPoints: [{ count: '2', sum: 30, quantileValues: [{ quantile: 0.5, value: 15 }] }] },
            },
          ],
        },
      ],
    },
  ],
})

const logs = fromObject('logs', {
  resourceLogs: [
    {
      resource: { attributes: [attribute('host.name', 'a')] },
      scopeLogs: [
        {
          logRecords: [
            {
              timeUnixNano: '1581452773000000789',
              severityNumber: 9,
              severityText: 'Info',
              eventName: 'my.event',
              body: {
                kvlistValue: {
                  values: [
                    attribute('b', 'x'),
                    { key: 'a', value: { arrayValue: { values: [{ intValue: '1' }, { boolValue: true }, {}] } } },
                  ],
                },
              },
              attributes: [attribute('app', 'server')],
            },
            { body: { stringValue: 'plain' } },
          ],
        },
      ],
    },
  ],
})

describe('debug', () => {
  test('says in a line what each batch has, with basic verbosity', async () => {
    const { send, lines } = stage()
    await send(spans)
    await send(metrics)
    await send(merge([logs, logs]))
    assert.deepEqual(lines(), [
      'Traces\t{"resource spans": 1, "spans": 2}',
      'Metrics\t{"resource metrics": 1, "metrics": 5, "data points": 5}',
      'Logs\t{"resource logs": 2, "log records": 4}',
    ])
  })

  test('writes a line for each record, with normal verbosity', async () => {
    const { send, lines } = stage({ verbosity: 'normal' })
    await send(spans)
    await send(metrics)
    await send(logs)
    assert.deepEqual(
      lines().filter((line) => !line.includes('\t') && line !== ''),
      [
        'ResourceTraces #0 [https://opentelemetry.io/schemas/1.44.0] service.name=shop',
        'ScopeTraces #0 http@1.2 a=b',
        'GET /cart 0102030405060708090a0b0c0d0e0f10 1112131415161718 http.route=/cart size=3',
        'second  ',
        'ResourceMetrics #0',
        'ScopeMetrics #0',
        'system.cpu.time{state=user,cpu=0} 123.456',
        'temperature{} -7',
        'duration{} count=1340 sum=99.573 min=0.017 max=8.13 le0.125=1324 le1=13 3',
        'sizes{} count=8 le-1=1 le-0.5=3 zero=1 le4=1 le7.999999999999998=2',
        'quantiles{} count=2 sum=30.000000 q0.5=15',
        'ResourceLog #0 host.name=a',
        'ScopeLog #0',
        '{"a":[1,true,null],"b":"x"} app=server',
        'plain ',
      ],
    )
  })

  test('writes all that is in a span, with detailed verbosity', async () => {
    const { send, lines } = stage({ verbosity: 'detailed' })
    await send(spans)
    assert.deepEqual(lines().slice(1), [
      'ResourceSpans #0',
      'Resource SchemaURL: https://opentelemetry.io/schemas/1.44.0',
      'Resource attributes:',
      '     -> service.name: Str(shop)',
      'Resource entity refs:',
      '     -> Entity ref #0:',
      '          -> Type: service',
      '          -> ID keys:',
      '               -> service.name',
      'ScopeSpans #0',
      'ScopeSpans SchemaURL: ',
      'InstrumentationScope http 1.2',
      'InstrumentationScope attributes:',
      '     -> a: Str(b)',
      'Span #0',
      '    Trace ID       : 0102030405060708090a0b0c0d0e0f10',
      '    Parent ID      : ',
      '    ID             : 1112131415161718',
      '    Name           : GET /cart',
      '    Kind           : Server',
      '    Start time     : 2020-02-11 20:26:12.000000321 +0000 UTC',
      '    End time       : 2020-02-11 20:26:13 +0000 UTC',
      '    Status code    : Error',
      '    Status message : no cart',
      '    DroppedAttributesCount: 0',
      '    DroppedEventsCount: 1',
      '    DroppedLinksCount: 0',
      'Attributes:',
      '     -> http.route: Str(/cart)',
      '     -> size: Int(3)',
      'Events:',
      'SpanEvent #0',
      '     -> Name: exception',
      '     -> Timestamp: 2020-02-11 20:26:12.5 +0000 UTC',
      '     -> DroppedAttributesCount: 0',
      '     -> Attributes::',
      '          -> kind: Str(E)',
      'Links:',
      'SpanLink #0',
      '     -> Trace ID: 0102030405060708090a0b0c0d0e0f11',
      '     -> ID: 1112131415161719',
      '     -> TraceState: ',
      '     -> DroppedAttributesCount: 4',
      'Span #1',
      '    Trace ID       : ',
      '    Parent ID      : ',
      '    ID             : ',
      '    Name           : second',
      '    Kind           : Unspecified',
      '    Start time     : 1970-01-01 00:00:00 +0000 UTC',
      '    End time       : 1970-01-01 00:00:00 +0000 UTC',
      '    Status code    : Unset',
      '    Status message : ',
      '    DroppedAttributesCount: 0',
      '    DroppedEventsCount: 0',
      '    DroppedLinksCount: 0',
      '',
    ])
  })

  test('writes all that is in metrics of every kind, with detailed verbosity', async () => {
    const { send, lines } = stage({ verbosity: 'detailed' })
    await send(metrics)
    const text = lines().join('\n')
    const start = 'StartTimestamp: 1970-01-01 00:00:00 +0000 UTC\nTimestamp: 1970-01-01 00:00:00 +0000 UTC'
    const wanted = [
      `Metric #0\nDescriptor:\n     -> Name: system.cpu.time\n     -> Description: \n     -> Unit: s\n     -> DataType: Sum\n     -> IsMonotonic: true\n     -> AggregationTemporality: Cumulative\nNumberDataPoints #0\nData point attributes:\n     -> state: Str(user)\n     -> cpu: Str(0)\n${start}\nValue: 123.456000`,
      `     -> DataType: Gauge\n     -> Metadata:\n          -> source: Str(probe)\nNumberDataPoints #0\n${start}\nValue: -7`,
      `     -> DataType: Histogram\n     -> AggregationTemporality: Delta\nHistogramDataPoints #0\n${start}\nCount: 1340\nSum: 99.573000\nMin: 0.017000\nMax: 8.130000\nExplicitBounds #0: 0.125000\nExplicitBounds #1: 1.000000\nBuckets #0, Count: 1324\nBuckets #1, Count: 13\nBuckets #2, Count: 3\nExemplars:\nExemplar #0\n     -> Trace ID: \n     -> Span ID: 1112131415161718\n     -> Timestamp: 1970-01-01 00:00:00 +0000 UTC\n     -> Value: 0.500000\n     -> FilteredAttributes:\n          -> user: Str(me)`,
      `ExponentialHistogramDataPoints #0\n${start}\nCount: 8\nBucket [-2.000000, -1.000000), Count: 1\nBucket [-1.000000, -0.500000), Count: 3\nBucket [0, 0], Count: 1\nBucket (2.000000, 4.000000], Count: 1\nBucket (4.000000, 8.000000], Count: 2`,
      `SummaryDataPoints #0\n${start}\nCount: 2\nSum: 30.000000\nQuantileValue #0: Quantile 0.500000, Value 15.000000`,
    ]
    for (const part of wanted) assert.ok(text.includes(part), part)
  })

  test('writes all that is in a log record, with detailed verbosity', async () => {
    const { send, lines } = stage({ verbosity: 'detailed' })
    await send(logs)
    assert.deepEqual(lines().slice(lines().indexOf('LogRecord #0'), lines().indexOf('LogRecord #1')), [
      'LogRecord #0',
      'ObservedTimestamp: 1970-01-01 00:00:00 +0000 UTC',
      'Timestamp: 2020-02-11 20:26:13.000000789 +0000 UTC',
      'SeverityText: Info',
      'SeverityNumber: Info(9)',
      'EventName: my.event',
      'Body: Map({"a":[1,true,null],"b":"x"})',
      'Attributes:',
      '     -> app: Str(server)',
      'Trace ID: ',
      'Span ID: ',
      'Flags: 0',
    ])
    assert.ok(lines().includes('SeverityNumber: Unspecified(0)'))
  })

  test('counts resources across the batch', async () => {
    const { send, lines } = stage({ verbosity: 'normal' })
    await send(merge([logs, logs]))
    assert.deepEqual(
      lines().filter((line) => line.startsWith('ResourceLog')),
      ['ResourceLog #0 host.name=a', 'ResourceLog #1 host.name=a'],
    )
  })

  test('shows the first few batches of a second, and then only some', async () => {
    const { send, lines, context } = stage({ sampling_initial: 2, sampling_thereafter: 3 })
    for (let sent = 0; sent < 8; sent++) await send(spans)
    await send(logs)
    assert.equal(lines().length, 2 + 2 + 1)
    context.clock.turn(1000)
    await send(spans)
    assert.equal(lines().length, 6)
  })

  test('shows no more than the first few of a second where it is told to', async () => {
    const { send, lines } = stage({ sampling_initial: 2, sampling_thereafter: 0 })
    for (let sent = 0; sent < 5; sent++) await send(spans)
    assert.equal(lines().length, 2)
  })

  test('writes through the log by default', async () => {
    const { send, context } = stage({ use_internal_logger: true, verbosity: 'normal' })
    await send(logs)
    assert.deepEqual(context.lines, [
      'info Logs',
      'info ResourceLog #0 host.name=a\nScopeLog #0\n{"a":[1,true,null],"b":"x"} app=server\nplain \n',
    ])
  })

  test('writes large batches in pieces', async () => {
    const screen = new Screen()
    const { send } = stage({ verbosity: 'normal' }, screen)
    const logRecords = Array.from({ length: 1000 }, () => ({ body: { stringValue: 'x'.repeat(100) } }))
    await send(fromObject('logs', { resourceLogs: [{ scopeLogs: [{ logRecords }] }] }))
    assert.ok(screen.writes >= 6 && screen.writes <= 10, String(screen.writes))
  })

  test('refuses what it cannot write, and does not fall over', async () => {
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) })
    const { send, exporter } = stage({}, broken)
    await exporter.start?.()
    await assert.rejects(
      async () => send(logs),
      (error: unknown) => error instanceof Refused && !error.retryable && /EPIPE/.test(error.message),
    )
    await exporter.stop?.(AbortSignal.abort())
  })

  test('stops waiting for a reader when told to', async () => {
    const stuck = new Writable({ write() {} })
    const { send, abort } = stage({}, stuck)
    const sending = send(logs)
    abort.abort()
    await assert.rejects(async () => sending, /nobody reads the output/)
  })

  test('shows profiles with the names that their indices stand for, and their dictionary', async () => {
    const profiles = fromObject('profiles', {
      resourceProfiles: [
        {
          resource: {
            attributes: [{ keyStrindex: 1, value: { stringValueStrindex: 2 } }, attribute('plain', 'value')],
          },
          schemaUrl: 'https://s',
          scopeProfiles: [
            {
              scope: { name: 'sc', version: '1' },
              profiles: [
                {
                  profileId: '000102030405060708090a0b0c0d0e0f',
                  timeUnixNano: '1760000000000000000',
                  durationNano: '1000000000',
                  attributeIndices: [1],
                  samples: [{ stackIndex: 1, values: ['5', '-6'] }, { attributeIndices: [1] }],
                },
              ],
            },
          ],
        },
      ],
      dictionary: {
        stringTable: ['', 'service.name', 'shop', 'thread.name', 'main'],
        attributeTable: [{}, { keyStrindex: 3, value: { stringValue: 'worker' } }],
        mappingTable: [{}],
        locationTable: [
          {},
          { address: '5000', lines: [{ functionIndex: 1, line: '12', column: '3' }], attributeIndices: [1] },
        ],
        functionTable: [{}, { nameStrindex: 4, startLine: '10' }],
        stackTable: [{}, { locationIndices: [1] }],
      },
    })
    const normal = stage({ verbosity: 'normal' })
    await normal.send(profiles)
    assert.deepEqual(normal.lines(), [
      'Profiles\t{"resource profiles": 1, "sample records": 2}',
      'ResourceProfiles #0 [https://s] service.name=shop plain=value',
      'ScopeProfiles #0 sc@1',
      '000102030405060708090a0b0c0d0e0f samples=2 thread.name=worker',
      '',
    ])
    const { send, lines } = stage({ verbosity: 'detailed' })
    await send(profiles)
    assert.deepEqual(lines().slice(7), DETAILED_PROFILES.split('\n').slice(1))
  })

  test('counts containers as the objects show them', () => {
    const scope = fc.record({ logRecords: fc.array(fc.constant({ severityText: 'x' }), { maxLength: 4 }) })
    const resource = fc.record({ schemaUrl: fc.string(), scopeLogs: fc.array(scope, { maxLength: 3 }) })
    fc.assert(
      fc.property(fc.array(resource, { maxLength: 4 }), (resourceLogs) => {
        assert.deepEqual(tally(fromObject('logs', { resourceLogs })), {
          resources: resourceLogs.length,
          records: resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords)).length,
        })
      }),
      { numRuns: 100 },
    )
  })

  test('writes numbers and times as Go does', () => {
    assert.deepEqual([0.00001, 1e21, 123456789, -0.5, 1e-7, 0].map(shortest), [
      '1e-05',
      '1e+21',
      '123456789',
      '-0.5',
      '1e-07',
      '0',
    ])
    assert.deepEqual([1.5, 1e22, Number.NaN, 'Infinity', '-Infinity'].map(fixed), [
      '1.500000',
      '10000000000000000000000.000000',
      'NaN',
      '+Inf',
      '-Inf',
    ])
    assert.equal(timeOf('18446744073709551615'), '2554-07-21 23:34:33.709551615 +0000 UTC')
    assert.equal(textOf({ bytesValue: 'AQI=' }), 'AQI=')
    assert.equal(
      textOf({ kvlistValue: { values: [{ key: 'n', value: { intValue: '9007199254740993' } }] } }),
      '{"n":"9007199254740993"}',
    )
  })

  test('writes to no files', () => {
    assert.deepEqual(
      [...faults({ ...CONFIG, output_paths: ['stderr', '/tmp/x'] })].map(({ path }) => path.join('.')),
      ['output_paths.1'],
    )
  })
})

/** As the Collector 0.155 prints the same, but for attributes by index, of which it prints no more than the indices. */
const DETAILED_PROFILES = `
Location #0
    Mapping index: 0
    Address: 0
    Attributes: []
Location #1
    Mapping index: 0
    Address: 5000
    Line #0
        Function index: 1
        Line: 12
        Column: 3
    Attributes: [1]
Function #0
    Name: 0
    System name: 0
    Filename: 0
    Start line: 0
Function #1
    Name: 4
    System name: 0
    Filename: 0
    Start line: 10
Attribute table:
     -> Key: Int(0)
     -> Value: Str()
     -> unit: Int(0)
     -> Key: Int(3)
     -> Value: Str(worker)
     -> unit: Int(0)
String table:
${'    '}
    service.name
    shop
    thread.name
    main
ResourceProfiles #0
Resource SchemaURL: https://s
Resource attributes:
     -> service.name: Str(shop)
     -> plain: Str(value)
ScopeProfiles #0
ScopeProfiles SchemaURL:${' '}
InstrumentationScope sc 1
Profile #0
    Profile ID     : 000102030405060708090a0b0c0d0e0f
    Start time     : 2025-10-09 08:53:20 +0000 UTC
    DurationNano   : 1000000000
    Dropped attributes count: 0
    Sample #0
        Values: [5 -6]
    Sample #1
        Values: []
        Attributes:
             -> thread.name: worker
`
