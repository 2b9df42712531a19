import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { DnsTracer } from '../../../../src/receivers/ebpf/tracers/dns/dns-tracer.ts'
import { WAITING_MAX } from '../../../../src/receivers/ebpf/tracers/dns/exchanges.ts'
import type { DnsOptions } from '../../../../src/receivers/ebpf/tracers/dns/options.ts'
import type { Signal } from '../../../../src/plugin.ts'
import { record, wireEvent, wireMessage } from './messages.ts'
import type { WirePacket } from './messages.ts'
import { recordingContext } from './recording-context.ts'

const defaults: DnsOptions = { ports: [53], payload: 512, timeout: 5000, server: false, question_names: false }
const MILLISECOND = 1_000_000
const RESPONSE = 0x8180

function traced(options: Partial<DnsOptions> = {}, wanted?: readonly Signal[]) {
  const recorded = recordingContext(wanted)
  const tracer = new DnsTracer(recorded.context, { ...defaults, ...options })
  const see = (packet: WirePacket) => {
    const event = wireEvent(packet)
    tracer.event(event, 0, event.length)
  }
  return { ...recorded, tracer, see }
}

const query = wireMessage({ name: 'a.example' })
const response = wireMessage({
  flags: RESPONSE,
  name: 'A.EXAMPLE',
  answers: [record(1, Buffer.from([192, 0, 2, 1]))],
})

describe('a query and its response', () => {
  test('become a span of the client, and a value of the histogram that leads to it', () => {
    const { see, spans, values } = traced()
    see({ payload: query, time: 10 * MILLISECOND })
    see({ payload: response, isOut: false, time: 12 * MILLISECOND })
    assert.equal(spans.length, 1)
    const [{ process, span } = assert.fail()] = spans
    assert.equal(process.pid, 7)
    assert.equal(process.name, 'resolver')
    assert.equal(span.name, 'DNS A')
    assert.equal(span.kind, 3)
    assert.equal(span.end - span.start, 2_000_000n)
    assert.equal(span.status, undefined)
    assert.deepEqual(span.attributes, {
      'dns.question.name': 'a.example',
      'dns.question.type': 'A',
      'dns.response_code': 'NOERROR',
      'dns.header_flags': ['RD', 'RA'],
      'dns.answers': ['192.0.2.1'],
      'dns.answers_count': 1,
      'server.address': '192.0.2.53',
      'server.port': 53,
      'network.transport': 'udp',
      'network.type': 'ipv4',
      'thread.id': 7,
    })
    const [value = assert.fail()] = values
    assert.equal(value.name, 'dns.lookup.duration')
    assert.equal(value.value, 0.002)
    assert.deepEqual(value.attributes, { 'dns.question.type': 'A' })
    assert.equal(value.exemplar?.traceId, span.traceId)
  })

  test('have the code as an error when it is one', () => {
    const { see, spans, values } = traced({ question_names: true })
    see({ payload: query })
    see({ payload: wireMessage({ flags: RESPONSE | 3, name: 'a.example' }), isOut: false })
    assert.equal(spans[0]?.span.attributes?.['error.type'], 'NXDOMAIN')
    assert.deepEqual(spans[0].span.status, { code: 2 })
    assert.deepEqual(values[0]?.attributes, {
      'dns.question.name': 'a.example',
      'dns.question.type': 'A',
      'error.type': 'NXDOMAIN',
    })
  })

  test('are paired by socket and id, not by the address that answers', () => {
    const { see, spans, noted } = traced()
    see({ payload: query, socket: 1 })
    see({ payload: response, isOut: false, socket: 2 })
    see({ payload: wireMessage({ id: 2, flags: RESPONSE, name: 'a.example' }), isOut: false, socket: 1 })
    see({ payload: wireMessage({ flags: RESPONSE, name: 'b.example' }), isOut: false, socket: 1 })
    assert.equal(spans.length, 0)
    assert.equal(noted.get('response_without_query'), 3)
    see({ payload: response, isOut: false, socket: 1, isVersion6: true })
    assert.equal(spans.length, 1)
  })

  test('are paired when the response repeats no question', () => {
    const { see, spans } = traced()
    see({ payload: query })
    see({ payload: wireMessage({ flags: RESPONSE | 1 }), isOut: false })
    assert.equal(spans[0]?.span.attributes?.['error.type'], 'FORMERR')
  })

  test('over TCP are read behind their length, several to a segment', () => {
    const { see, spans } = traced()
    const framed = (message: Buffer) =>
      Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message])
    const second = wireMessage({ id: 2, name: 'b.example', type: 28 })
    see({ payload: Buffer.concat([framed(query), framed(second)]), transport: 6, isVersion6: true })
    const answered = wireMessage({ id: 2, flags: RESPONSE, name: 'b.example', type: 28 })
    see({ payload: Buffer.concat([framed(answered), framed(response)]), transport: 6, isOut: false })
    assert.deepEqual(
      spans.map(({ span }) => [span.name, span.attributes?.['network.transport'], span.attributes?.['server.address']]),
      [
        ['DNS AAAA', 'tcp', '::1'],
        ['DNS A', 'tcp', '::1'],
      ],
    )
  })

  test('give no span where nobody wants one', () => {
    const { see, spans, values } = traced({}, ['metrics'])
    see({ payload: query })
    see({ payload: response, isOut: false })
    assert.equal(spans.length, 0)
    assert.equal(values.length, 1)
    assert.equal(values[0]?.exemplar, undefined)
  })

  test('of a process that is left out give nothing', () => {
    const { see, spans, values, leftOut, noted } = traced()
    leftOut.add(7)
    see({ payload: query })
    see({ payload: response, isOut: false })
    assert.deepEqual([spans.length, values.length, noted.size], [0, 0, 0])
  })
})

describe('a query without response', () => {
  test('is unanswered when the time since it was sent last is over', () => {
    const { see, spans, values, tracer, noted } = traced()
    see({ payload: query, time: 1000 * MILLISECOND })
    see({ payload: query, time: 4000 * MILLISECOND })
    tracer.tick(8999 * MILLISECOND)
    assert.equal(spans.length, 0)
    tracer.tick(9001 * MILLISECOND)
    tracer.tick(90_000 * MILLISECOND)
    assert.equal(spans.length, 1)
    assert.equal(spans[0]?.span.attributes?.['error.type'], 'timeout')
    assert.equal(spans[0].span.attributes['dns.retransmissions'], 1)
    assert.equal(spans[0].span.end - spans[0].span.start, 8_000_000_000n)
    assert.equal(values[0]?.value, 8)
    assert.equal(noted.get('query_retransmitted'), 1)
  })

  test('is unanswered when its id asks for something else', () => {
    const { see, spans } = traced()
    see({ payload: query })
    see({ payload: wireMessage({ name: 'b.example' }) })
    see({ payload: wireMessage({ flags: RESPONSE, name: 'b.example' }), isOut: false })
    assert.deepEqual(
      spans.map(({ span }) => [span.attributes?.['dns.question.name'], span.attributes?.['error.type']]),
      [
        ['a.example', 'timeout'],
        ['b.example', undefined],
      ],
    )
  })

  test('is kept with a bound on all of them, and what is beyond is counted', () => {
    const { see, dropped } = traced()
    for (let socket = 0; socket < WAITING_MAX + 3; socket++) see({ payload: query, socket })
    assert.equal(dropped.get('too_many_waiting'), 3)
  })
})

test('a server has a span of its own kind, clients of one socket are told apart, and its process is who answers', () => {
  const { see, spans, values } = traced({ server: true })
  const asked = { payload: query, isOut: false, isServer: true, pid: 0 }
  const answered = { payload: response, isOut: true, isServer: true, pid: 9 }
  see({ ...asked, remotePort: 1001 })
  see({ ...asked, remotePort: 1002 })
  see({ ...answered, remotePort: 1002 })
  assert.equal(spans.length, 1)
  assert.equal(spans[0]?.process.pid, 9)
  assert.equal(spans[0].span.kind, 2)
  assert.equal(spans[0].span.attributes?.['client.port'], 1002)
  assert.equal(spans[0].span.attributes['server.port'], 53)
  assert.equal(values.length, 0)
})

test('an event of any bytes is read or counted, never thrown', () => {
  const { tracer, dropped } = traced({ server: true })
  const sound = wireEvent({ payload: response, isOut: false })
  const changes = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 8 })
  fc.assert(
    fc.property(changes, fc.nat(sound.length), (changed, length) => {
      const event = Buffer.from(sound)
      for (const [at, value] of changed) event[at] = value
      tracer.event(event, 0, length)
    }),
    { numRuns: 5000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 24, maxLength: 400 }), (bytes) => {
      tracer.event(Buffer.from(bytes), 0, bytes.length)
    }),
    { numRuns: 2000 },
  )
  assert.ok((dropped.get('malformed') ?? 0) > 0)
})
