import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Connections } from '../../../../src/receivers/ebpf/socket/connections.ts'
import { PROTOCOL_HTTP1 } from '../../../../src/receivers/ebpf/socket/event.ts'
import { Transcript } from '../http/transcript.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes that are reachable when so many more connections have come and gone. */
function heldAfter(connections: Connections, first: number, count: number): number {
  for (let id = first; id < first + count; id++) {
    for (const event of new Transcript({ connection: id }).in('GET / HTTP/1.1\r\n\r\n').closed().events)
      connections.event(event, 0, event.length)
    if (id % 100 === 0) connections.tick(0)
  }
  collectGarbage()
  return process.memoryUsage().heapUsed
}

test('connections that have come and gone leave nothing behind', () => {
  const connections = new Connections({
    limit: 1024,
    protocols: [
      {
        id: PROTOCOL_HTTP1,
        begin: (connection) => ({ connection, time: 0, data() {}, close() {}, tick() {}, abandon() {} }),
      },
    ],
    account: { drop: (reason) => assert.fail(reason), note: (what) => assert.fail(what) },
  })
  const before = heldAfter(connections, 0, 20_000)
  const after = heldAfter(connections, 20_000, 60_000)
  assert.equal(connections.size, 0)
  assert.ok(after - before < 2_000_000, `${after - before} bytes more`)
})
