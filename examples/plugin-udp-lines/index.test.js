import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import { TestBed } from 'telegen/testing'
import udpLines from './index.js'

test('each line of a datagram becomes a log record', async () => {
  const bed = await TestBed.start(
    `
    receivers: { udp_lines: { port: 0 } }
    exporters: { test_sink: }
    service: { pipelines: { logs: { receivers: [udp_lines], exporters: [test_sink] } } }`,
    { definitions: [udpLines] },
  )
  const { address } = bed.logs.find(({ message }) => message === 'Listening').fields
  const socket = createSocket('udp4')
  await new Promise((resolve, reject) =>
    socket.send('first\nsecond\n', address.port, address.address, (error) => (error ? reject(error) : resolve())),
  )
  socket.close()
  const [request] = await bed.requests(1)
  const [{ resource, scopeLogs }] = request.resourceLogs
  assert.deepEqual(
    scopeLogs[0].logRecords.map(({ body }) => body.stringValue),
    ['first', 'second'],
  )
  assert.deepEqual(resource.attributes, [{ key: 'client.address', value: { stringValue: '127.0.0.1' } }])
  await bed.stop()
})
