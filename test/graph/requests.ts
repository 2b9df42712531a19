/** Requests in the shape of OTLP/JSON, with numbered records. */
export const logsRequest = (...bodies: string[]) => ({
  resourceLogs: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'test' } }] },
      scopeLogs: [
        {
          scope: { name: 'test' },
          logRecords: bodies.map((body) => ({ timeUnixNano: '1', body: { stringValue: body } })),
        },
      ],
    },
  ],
})

export const spansRequest = (...names: string[]) => ({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'test' } }] },
      scopeSpans: [
        {
          scope: { name: 'test' },
          spans: names.map((name, index) => ({
            traceId: `${index + 1}`.padStart(32, '0'),
            spanId: `${index + 1}`.padStart(16, '0'),
            name,
            kind: 1,
            startTimeUnixNano: '1',
            endTimeUnixNano: '2',
          })),
        },
      ],
    },
  ],
})

export const metricsRequest = (...names: string[]) => ({
  resourceMetrics: [
    { scopeMetrics: [{ metrics: names.map((name) => ({ name, gauge: { dataPoints: [{ asInt: '1' }] } })) }] },
  ],
})

/** One profile of so many samples, each of which points at the one stack, and all of them at a dictionary. */
export const profilesRequest = (samples: number) => ({
  resourceProfiles: [
    {
      resource: { attributes: [{ keyStrindex: 1, value: { stringValueStrindex: 2 } }] },
      scopeProfiles: [
        {
          scope: { name: 'test' },
          profiles: [
            {
              sampleType: { typeStrindex: 3, unitStrindex: 4 },
              samples: Array.from({ length: samples }, (_, index) => ({ stackIndex: 1, values: [`${index}`] })),
              timeUnixNano: '1',
            },
          ],
        },
      ],
    },
  ],
  dictionary: {
    stringTable: ['', 'service.name', 'test', 'cpu', 'nanoseconds', 'main'],
    functionTable: [{}, { nameStrindex: 5 }],
    locationTable: [{}, { lines: [{ functionIndex: 1 }] }],
    stackTable: [{}, { locationIndices: [1] }],
  },
})

interface LogsObject {
  resourceLogs?: { scopeLogs?: { logRecords?: { body: { stringValue: string } }[] }[] }[]
}

/** The bodies of all records, in order. */
export const bodiesOf = (requests: readonly object[]): string[] =>
  (requests as LogsObject[]).flatMap(({ resourceLogs = [] }) =>
    resourceLogs.flatMap(({ scopeLogs = [] }) =>
      scopeLogs.flatMap(({ logRecords = [] }) => logRecords.map(({ body }) => body.stringValue)),
    ),
  )
