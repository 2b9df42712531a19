import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readMessage } from '../../../../src/receivers/ebpf/tracers/dns/message.ts'
import { readName } from '../../../../src/receivers/ebpf/tracers/dns/name.ts'
import { edns, record, wireMessage, wireName } from './messages.ts'

const read = (bytes: Buffer) => readMessage(bytes, 0, bytes.length)

test('a query says its id, its question and what EDNS it has', () => {
  const message = read(wireMessage({ id: 0x1234, name: 'www.Example.com', type: 28, additional: [edns(1232)] }))
  assert.deepEqual(message, {
    id: 0x1234,
    isResponse: false,
    operation: 0,
    flags: ['RD'],
    responseCode: 0,
    question: { name: 'www.Example.com', type: 28 },
    answers: 0,
    addresses: [],
    edns: { udpBytes: 1232, version: 0, wantsDnssec: true },
  })
})

test('a response says its addresses, flags and code, whose upper bits stand in EDNS', () => {
  const answers = [
    record(5, wireName('other.example')),
    record(1, Buffer.from([192, 0, 2, 1])),
    record(28, Buffer.from('20010db8000000000000000000000001', 'hex')),
  ]
  const message = read(wireMessage({ flags: 0x8780, name: 'a.example', answers, additional: [edns(512, 1)] }))
  assert.equal(message?.isResponse, true)
  assert.deepEqual(message.addresses, ['192.0.2.1', '2001:db8::1'])
  assert.equal(message.answers, 3)
  assert.deepEqual(message.flags, ['AA', 'TC', 'RD', 'RA'])
  assert.equal(message.responseCode, 16)
})

test('of a message that was cut, what is there is read', () => {
  const answers = [record(1, Buffer.from([192, 0, 2, 1])), record(1, Buffer.from([192, 0, 2, 2]))]
  const whole = wireMessage({ flags: 0x8180, name: 'a.example', answers })
  const message = readMessage(whole, 0, whole.length - 1)
  assert.deepEqual(message?.addresses, ['192.0.2.1'])
  assert.equal(message.answers, 2)
})

test('a name is written as in a zone file, and the root as a dot', () => {
  const labels = Buffer.concat([Buffer.from([5]), Buffer.from('a.b \\'), Buffer.from([2, 0x07, 0xff, 0])])
  assert.deepEqual(readName(labels, 0, 0, labels.length), { name: 'a\\.b\\032\\\\.\\007\\255', next: 10 })
  assert.deepEqual(readName(Buffer.from([0]), 0, 0, 1), { name: '.', next: 1 })
})

test('a compressed name is read where it points to, which must be before it', () => {
  const bytes = Buffer.concat([wireName('example.com'), Buffer.from([3]), Buffer.from('www'), Buffer.from([0xc0, 0])])
  assert.deepEqual(readName(bytes, 0, 13, bytes.length), { name: 'www.example.com', next: bytes.length })
  assert.equal(readName(Buffer.from([0xc0, 0]), 0, 0, 2), undefined)
  assert.equal(readName(Buffer.from([0xc0, 2, 0xc0, 0]), 0, 0, 4), undefined)
})

test('a name of more than 255 bytes is none, however it is made up', () => {
  const long = wireName(Array.from({ length: 5 }, () => 'x'.repeat(60)).join('.'))
  assert.equal(readName(long, 0, 0, long.length), undefined)
  const whole = Array.from({ length: 4 }, () => 'x'.repeat(60)).join('.')
  const fits = wireName(whole)
  assert.equal(readName(fits, 0, 0, fits.length)?.name, whole)
  let chain = Buffer.concat([Buffer.from([1]), Buffer.from('a'), Buffer.from([0])])
  let at = 0
  for (let index = 0; index < 40; index++) {
    const next = chain.length
    chain = Buffer.concat([chain, Buffer.from([0xc0 | (at >> 8), at & 255])])
    at = next
  }
  assert.equal(readName(chain, 0, at, chain.length), undefined)
})

test('whatever the bytes are, reading ends and does not throw', () => {
  const base = wireMessage({
    flags: 0x8180,
    name: 'www.example.com',
    answers: [record(1, Buffer.from([192, 0, 2, 1])), record(5, wireName('a.b'))],
    additional: [edns(4096)],
  })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      read(Buffer.from(bytes))
    }),
    { numRuns: 2000 },
  )
  const changes = fc.array(fc.tuple(fc.nat(base.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 6 })
  fc.assert(
    fc.property(changes, fc.nat(base.length), (changed, end) => {
      const bytes = Buffer.from(base)
      for (const [at, value] of changed) bytes[at] = value
      const message = readMessage(bytes, 0, end)
      if (message?.question) assert.ok(message.question.name.length <= 4 * 255)
    }),
    { numRuns: 5000 },
  )
})
