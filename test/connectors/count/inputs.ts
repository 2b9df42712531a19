const text = (stringValue: string) => ({ stringValue })
const attribute = (key: string, value: object) => ({ key, value })

export const traces = {
  resourceSpans: [
    {
      resource: { attributes: [attribute('service.name', text('a')), attribute('n', { intValue: '7' }), attribute('nothing', {})] },
      schemaUrl: 'https://example.com/x',
      scopeSpans: [
        {
          scope: { name: 's', attributes: [attribute('from.scope', text('yes'))] },
          spans: [
            {
              name: '1', traceId: '5'.repeat(32), spanId: '7'.repeat(16), startTimeUnixNano: '1000', endTimeUnixNano: '5000',
              attributes: [attribute('route', text('/a')), attribute('size', { intValue: '1' })],
              events: [{ timeUnixNano: '1500', name: 'e', attributes: [attribute('route', text('/e'))] }, { timeUnixNano: '900', name: 'f' }],
            },
            { name: '2', traceId: '5'.repeat(32), spanId: '8'.repeat(16), startTimeUnixNano: '500', endTimeUnixNano: '700', attributes: [attribute('route', text('/a'))] },
            { name: '3', traceId: '5'.repeat(32), spanId: '9'.repeat(16), attributes: [attribute('route', { intValue: '1' }), attribute('size', { doubleValue: 1 })] },
          ],
        },
        { spans: [{ name: '4', traceId: '5'.repeat(32), spanId: 'a'.repeat(16), startTimeUnixNano: '9000', endTimeUnixNano: '9001', attributes: [attribute('route', { boolValue: true })] }] },
      ],
    },
    { resource: {}, scopeSpans: [{ spans: [{ name: '5', traceId: '5'.repeat(32), spanId: 'b'.repeat(16), startTimeUnixNano: '1', endTimeUnixNano: '2' }] }] },
    { resource: { attributes: [attribute('empty', text('x'))] }, scopeSpans: [] },
  ],
} // prettier-ignore

const point = (timeUnixNano: string, route?: string) => ({
  timeUnixNano,
  asInt: '1',
  ...(route !== undefined && { attributes: [attribute('route', text(route))] }),
})

export const metrics = {
  resourceMetrics: [
    {
      resource: { attributes: [attribute('service.name', text('a'))] },
      scopeMetrics: [
        {
          metrics: [
            { name: 'g', gauge: { dataPoints: [point('100', '/a'), point('50', '/b')] } },
            { name: 's', sum: { aggregationTemporality: 2, dataPoints: [point('200', '/a'), point('0')] } },
            { name: 'h', histogram: { aggregationTemporality: 2, dataPoints: [{ timeUnixNano: '70', count: '0' }] } },
            { name: 'x', exponentialHistogram: { aggregationTemporality: 2, dataPoints: [{ timeUnixNano: '80' }] } },
            {
              name: 'y',
              summary: { dataPoints: [{ timeUnixNano: '90', attributes: [attribute('route', text('/a'))] }] },
            },
          ],
        },
      ],
    },
  ],
}

export const logs = {
  resourceLogs: [
    {
      resource: { attributes: [attribute('service.name', text('a')), attribute('route', text('/resource'))] },
      scopeLogs: [
        {
          logRecords: [
            { timeUnixNano: '10', body: text('1'), attributes: [attribute('route', text('/a'))] },
            { timeUnixNano: '30', body: text('2') },
            { timeUnixNano: '20', attributes: [attribute('route', {})] },
            { observedTimeUnixNano: '40', body: text('3'), attributes: [attribute('list', { arrayValue: { values: [text('b'), { intValue: '1' }] } })] },
          ],
        },
      ],
    },
  ],
} // prettier-ignore

export const profiles = {
  resourceProfiles: [
    {
      resource: { attributes: [attribute('service.name', text('a'))] },
      scopeProfiles: [
        {
          scope: { attributes: [attribute('from.scope', text('yes'))] },
          profiles: [
            { timeUnixNano: '50', attributeIndices: [1], samples: [{ stackIndex: 0, values: ['1'] }, { stackIndex: 0, values: ['2'] }] },
            { timeUnixNano: '20', attributeIndices: [2], samples: [{ stackIndex: 0, values: ['3'] }] },
            { timeUnixNano: '0', attributeIndices: [1] },
          ],
        },
      ],
    },
  ],
  dictionary: {
    mappingTable: [{}],
    locationTable: [{}],
    functionTable: [{}],
    linkTable: [{}],
    stackTable: [{}],
    stringTable: ['', 'route', 'kind'],
    attributeTable: [{}, { keyStrindex: 1, value: text('/a') }, { keyStrindex: 2, value: text('cpu') }],
  },
} // prettier-ignore
