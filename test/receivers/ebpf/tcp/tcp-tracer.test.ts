import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Signal } from '../../../../src/plugin.ts'
import {
  EVENT_TCP_CLOSED,
  EVENT_TCP_DEAF,
  EVENT_TCP_LISTENING,
  EVENT_TCP_OPENED,
  EVENT_TCP_OWNED,
  EVENT_TCP_RETRANSMITTED,
  ROLE_ACCEPTED,
  ROLE_UNKNOWN,
} from '../../../../src/receivers/ebpf/tracers/tcp/event.ts'
import type { TcpOptions } from '../../../../src/receivers/ebpf/tracers/tcp/options.ts'
import { OWNER_WAIT, TcpTracer } from '../../../../src/receivers/ebpf/tracers/tcp/tcp-tracer.ts'
import { recordingContext } from '../dns/recording-context.ts'
import { wireChange } from './events.ts'
import type { WireChange } from './events.ts'

const SECOND = 1_000_000_000
const defaults: TcpOptions = {
  peers: 'port',
  connections: false,
  survey_interval: 30_000,
  max_connections: 1024,
}

/** Without a `/proc`: surveys find nothing. */
function traced(options: Partial<TcpOptions> = {}, wanted?: readonly Signal[]) {
  const recorded = recordingContext(wanted)
  const tracer = new TcpTracer({ ...recorded.context, procPath: '/nowhere' }, { ...defaults, ...options })
  const see = (change: WireChange) => {
    const event = wireChange(change)
    tracer.event(event, 0, event.length)
  }
  const counted = (name: string) =>
    recorded.values
      .filter((each) => each.name === name)
      .map(({ value, attributes, process }) => ({ value, attributes, pid: process.pid }))
  return { ...recorded, tracer, see, counted }
}

const client = { 'network.type': 'ipv4', 'tcp.role': 'client', 'server.port': 80 }
const server = { 'network.type': 'ipv4', 'tcp.role': 'server', 'server.port': 8080 }

describe('a connection that was opened', () => {
  test('is counted when it is established and when it is closed, with what it moved', () => {
    const { see, counted, gauge } = traced()
    see({ type: EVENT_TCP_OPENED })
    assert.deepEqual(counted('tcp.connections'), [
      { value: 1, pid: 7, attributes: { ...client, 'tcp.event': 'opened' } },
    ])
    assert.deepEqual(
      gauge('tcp.connections.open').map(({ value, attributes }) => [value, attributes]),
      [[1, client]],
    )
    see({
      type: EVENT_TCP_CLOSED,
      time: 1000 + 2 * SECOND,
      state: 5,
      sent: 100,
      received: 2000,
      srtt: 1500,
      retransmits: 2,
    })
    assert.deepEqual(gauge('tcp.connections.open'), [])
    assert.deepEqual(counted('tcp.connections')[1]?.attributes, {
      ...client,
      'tcp.event': 'closed',
      'tcp.end': 'finished',
    })
    assert.deepEqual(counted('tcp.io'), [
      { value: 100, pid: 7, attributes: { ...client, 'network.io.direction': 'transmit' } },
      { value: 2000, pid: 7, attributes: { ...client, 'network.io.direction': 'receive' } },
    ])
    assert.deepEqual(counted('tcp.connection.duration'), [{ value: 2, pid: 7, attributes: client }])
    assert.deepEqual(counted('tcp.rtt'), [{ value: 0.0015, pid: 7, attributes: client }])
    assert.deepEqual(counted('tcp.retransmits'), [{ value: 2, pid: 7, attributes: client }])
  })

  test('counts each retransmission once, whichever event tells of it', () => {
    const { see, counted } = traced()
    see({ type: EVENT_TCP_OPENED, retransmits: 1 })
    see({ type: EVENT_TCP_RETRANSMITTED, retransmits: 2 })
    see({ type: EVENT_TCP_RETRANSMITTED, retransmits: 2 })
    see({ type: EVENT_TCP_RETRANSMITTED, retransmits: 5 })
    see({ type: EVENT_TCP_CLOSED, retransmits: 6 })
    assert.deepEqual(
      counted('tcp.retransmits').map(({ value }) => value),
      [1, 1, 3, 1],
    )
  })

  test('is failed where it never was established, with the error', () => {
    const { see, counted, records } = traced({ connections: true })
    see({ type: EVENT_TCP_CLOSED, state: 2, error: constants.errno.ECONNREFUSED })
    see({ type: EVENT_TCP_CLOSED, state: 2, error: 0, retransmits: 3 })
    assert.deepEqual(
      counted('tcp.connections').map(({ attributes }) => [attributes['tcp.event'], attributes['error.type']]),
      [
        ['failed', 'ECONNREFUSED'],
        ['failed', 'closed_by_process'],
      ],
    )
    assert.deepEqual(
      counted('tcp.retransmits').map(({ value }) => value),
      [3],
    )
    assert.deepEqual(counted('tcp.connection.duration'), [])
    assert.equal(records[0]?.record.eventName, 'tcp.connection.failed')
    assert.equal(records[0].record.severity, 13)
    assert.equal(records[0].record.body, 'Connection to 192.0.2.1 port 80 failed: ECONNREFUSED')
  })

  test('says how it ended', () => {
    const { see, counted } = traced()
    const { ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH } = constants.errno
    for (const error of [ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH]) see({ type: EVENT_TCP_CLOSED, error })
    see({ type: EVENT_TCP_CLOSED, state: 1 })
    see({ type: EVENT_TCP_CLOSED, state: 9 })
    assert.deepEqual(
      counted('tcp.connections').map(({ attributes }) => attributes['tcp.end']),
      ['reset_by_peer', 'reset_by_peer', 'timed_out', 'broken', 'reset_by_process', 'finished'],
    )
  })
})

describe('a connection that was accepted', () => {
  const accepted = { type: EVENT_TCP_OPENED, role: ROLE_ACCEPTED, localPort: 8080, remotePort: 50_000, isGuess: true }

  test('counts for the process that reads from it', () => {
    const { see, counted, gauge } = traced()
    see({ ...accepted, pid: 1 })
    assert.deepEqual(counted('tcp.connections'), [])
    see({ ...accepted, type: EVENT_TCP_OWNED, pid: 2, isGuess: false })
    assert.deepEqual(counted('tcp.connections'), [
      { value: 1, pid: 2, attributes: { ...server, 'tcp.event': 'accepted' } },
    ])
    assert.equal(gauge('tcp.connections.open')[0]?.process.pid, 2)
  })

  test('counts for who listens when nobody is seen to read, and but once', () => {
    const { see, counted, tracer } = traced()
    see({ ...accepted, pid: 1 })
    tracer.tick(1000 + OWNER_WAIT - 1)
    assert.deepEqual(counted('tcp.connections'), [])
    tracer.tick(1000 + OWNER_WAIT)
    tracer.tick(1000 + 2 * OWNER_WAIT)
    assert.deepEqual(
      counted('tcp.connections').map(({ pid }) => pid),
      [1],
    )
    see({ ...accepted, type: EVENT_TCP_OWNED, pid: 2 })
    see({ ...accepted, type: EVENT_TCP_CLOSED, pid: 2 })
    assert.deepEqual(
      counted('tcp.connections').map(({ attributes, pid }) => [attributes['tcp.event'], pid]),
      [
        ['accepted', 1],
        ['closed', 2],
      ],
    )
  })

  test('counts when it is closed before anybody read', () => {
    const { see, counted } = traced()
    see({ ...accepted, pid: 1 })
    see({ ...accepted, type: EVENT_TCP_CLOSED, pid: 3 })
    assert.deepEqual(
      counted('tcp.connections').map(({ attributes, pid }) => [attributes['tcp.event'], pid]),
      [
        ['accepted', 3],
        ['closed', 3],
      ],
    )
  })

  test('is of who listens there where the programs did not know it', () => {
    const { see, counted, tracer } = traced()
    see({ type: EVENT_TCP_LISTENING, localPort: 8080, remotePort: 0, pid: 4 })
    see({ ...accepted, pid: 0 })
    tracer.tick(10 * SECOND)
    assert.equal(counted('tcp.connections')[0]?.pid, 4)
  })
})

test('of the other end nothing, its port or its address is said, never a port of a client', () => {
  const attributesWith = (peers: TcpOptions['peers']) => {
    const { see, counted } = traced({ peers })
    see({ remotePort: 443 })
    see({ role: ROLE_ACCEPTED, localPort: 8080, remotePort: 51_234 })
    return counted('tcp.connections').map(({ attributes }) => attributes)
  }
  const kind = { 'network.type': 'ipv4' }
  const [opened, accepted] = [
    { ...kind, 'tcp.role': 'client', 'tcp.event': 'opened' },
    { ...kind, 'tcp.role': 'server', 'tcp.event': 'accepted' },
  ]
  assert.deepEqual(attributesWith('none'), [opened, accepted])
  assert.deepEqual(attributesWith('port'), [
    { ...opened, 'server.port': 443 },
    { ...accepted, 'server.port': 8080 },
  ])
  assert.deepEqual(attributesWith('address'), [
    { ...opened, 'server.port': 443, 'server.address': '192.0.2.1' },
    { ...accepted, 'server.port': 8080, 'client.address': '192.0.2.1' },
  ])
})

test('an IPv4 address in a socket of IPv6 is one of IPv4', () => {
  const mapped = (last: number) => Buffer.concat([Buffer.alloc(10), Buffer.from([255, 255, 192, 0, 2, last])])
  const { see, counted } = traced({ peers: 'address' })
  see({ version6: [mapped(1), mapped(2)] })
  see({ version6: [Buffer.alloc(16, 1), Buffer.from('20010db8000000000000000000000001', 'hex')], remotePort: 81 })
  assert.deepEqual(
    counted('tcp.connections').map(({ attributes }) => [attributes['network.type'], attributes['server.address']]),
    [
      ['ipv4', '192.0.2.2'],
      ['ipv6', '2001:db8::1'],
    ],
  )
})

test('sockets that listen are a gauge: how many there are at an address and port of a process', () => {
  const { see, gauge } = traced()
  const socket = { localPort: 8080, remotePort: 0, pid: 4 }
  see({ ...socket, type: EVENT_TCP_LISTENING })
  see({ ...socket, type: EVENT_TCP_LISTENING })
  see({ ...socket, type: EVENT_TCP_LISTENING, localPort: 0 })
  const attributes = { 'network.type': 'ipv4', 'network.local.address': '127.0.0.1', 'network.local.port': 8080 }
  assert.deepEqual(
    gauge('tcp.listening').map((each) => [each.process.pid, each.value, each.attributes]),
    [[4, 2, attributes]],
  )
  see({ ...socket, type: EVENT_TCP_DEAF })
  see({ ...socket, type: EVENT_TCP_DEAF })
  see({ ...socket, type: EVENT_TCP_DEAF })
  assert.deepEqual(gauge('tcp.listening'), [])
})

test('of a connection from before the programs were, its end counts and nothing that is not known', () => {
  const { see, counted } = traced()
  see({ type: EVENT_TCP_CLOSED, began: 0, role: ROLE_UNKNOWN, pid: 0, sent: 5, received: 5, srtt: 10, retransmits: 9 })
  assert.equal(counted('tcp.connections').length, 1)
  assert.deepEqual([counted('tcp.io'), counted('tcp.connection.duration'), counted('tcp.retransmits')], [[], [], []])
})

test('of a connection from before, the port that somebody listens at is the server', () => {
  const { see, counted } = traced()
  see({ type: EVENT_TCP_LISTENING, localPort: 8080, remotePort: 0, pid: 4 })
  see({ type: EVENT_TCP_CLOSED, began: 0, role: ROLE_UNKNOWN, pid: 0, localPort: 8080, remotePort: 51_000 })
  const [{ attributes, pid } = assert.fail()] = counted('tcp.connections')
  assert.deepEqual([pid, attributes['tcp.role'], attributes['server.port']], [4, 'server', 8080])
})

test('a log record tells of a whole connection', () => {
  const { see, records } = traced({ connections: true }, ['logs'])
  see({})
  see({ type: EVENT_TCP_CLOSED, time: 1000 + SECOND, state: 9, sent: 3, received: 4, srtt: 250 })
  assert.equal(records.length, 1)
  const { record, process } = records[0] ?? assert.fail()
  assert.equal(process.name, 'client')
  assert.equal(record.eventName, 'tcp.connection.closed')
  assert.equal(record.body, 'Connection to 192.0.2.1 port 80 closed: finished')
  assert.deepEqual(record.attributes, {
    'network.transport': 'tcp',
    'network.type': 'ipv4',
    'network.local.address': '127.0.0.1',
    'network.local.port': 40_000,
    'network.peer.address': '192.0.2.1',
    'network.peer.port': 80,
    'tcp.role': 'client',
    'tcp.state': 'LAST_ACK',
    'tcp.end': 'finished',
    'tcp.connection.duration': 1,
    'tcp.bytes_sent': 3,
    'tcp.bytes_received': 4,
    'tcp.rtt': 0.00025,
    'tcp.retransmits': 0,
    'error.type': undefined,
  })
})

test('an event of any bytes is read or counted, never thrown', () => {
  const { tracer, dropped } = traced({ connections: true, peers: 'address' })
  const sound = wireChange({})
  const types = fc.integer({ min: EVENT_TCP_OPENED - 1, max: EVENT_TCP_DEAF + 1 })
  const changes = fc.array(fc.tuple(fc.integer({ min: 4, max: sound.length - 1 }), fc.nat(255)), { maxLength: 20 })
  fc.assert(
    fc.property(types, changes, fc.constantFrom(sound.length, sound.length - 1), (type, changed, length) => {
      const event = Buffer.from(sound)
      event.writeUInt16LE(type, 0)
      for (const [at, value] of changed) event[at] = value
      tracer.event(event, 0, length)
      tracer.tick(0)
    }),
    { numRuns: 5000 },
  )
  assert.ok((dropped.get('malformed') ?? 0) > 0)
})
