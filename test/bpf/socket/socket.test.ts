import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import {
  DATA_STARTS_MESSAGE,
  DATA_UNREAD,
  DIRECTION_IN,
  DIRECTION_OUT,
} from '../../../src/receivers/ebpf/socket/event.ts'
import { SOCKET_RUNGS } from '../../../src/receivers/ebpf/tracers/http/rungs.ts'
import { socketsInKernel } from './kernel.ts'
import type { SocketsInKernel } from './kernel.ts'
import { bytes, checkNumbers, ends, of, payload } from './ends.ts'

const LOOPBACK_4 = '7f000001'.padEnd(32, '0')
const LOOPBACK_6 = '1'.padStart(32, '0')

const WAYS = [
  ['write', 'read', 'ipv4'],
  ['send', 'recv', 'ipv6'],
  ['send', 'recv', 'mapped'],
  ['writev', 'readv', 'ipv4'],
  ['sendmsg', 'recvmsg', 'ipv4'],
  ['pieces', 'recvmsg_into', 'ipv6'],
  ['send', 'peek', 'ipv4'],
  ['write', 'small', 'ipv4'],
] as const

for (const { name: rung } of SOCKET_RUNGS)
  describe(`Sockets seen by ${rung}`, async () => {
    const kernel = await socketsInKernel(rung)
    if (typeof kernel === 'string') return void test('is unavailable', { skip: kernel }, () => {})
    after(() => kernel.close())
    const seen = (name: string, act: (kernel: SocketsInKernel) => Promise<void>) => test(name, () => act(kernel))

    for (const [sender, receiver, kind] of WAYS)
      seen(`what moved is what was captured: ${sender}, ${receiver}, ${kind}`, async (kernel) => {
        const rounds = 3
        const moved = await kernel.traffic([sender, receiver, kind, String(rounds), 'http'])
        const both = await ends(kernel, moved)
        const [client, server] = both
        for (const end of both) checkNumbers(end)
        const requests = moved.request.repeat(rounds)
        const answers = moved.answer.repeat(rounds)
        assert.equal(payload(of(client, DIRECTION_OUT)), requests)
        assert.equal(payload(of(server, DIRECTION_IN)), requests)
        assert.equal(payload(of(server, DIRECTION_OUT)), answers)
        assert.equal(payload(of(client, DIRECTION_IN)), answers)
        for (const event of [...client.data, ...server.data]) {
          assert.equal(event.bytes, event.payload.length)
          assert.equal(event.tail, event.payload.slice(-8))
          assert.equal(event.family, kind === 'ipv6' ? 10 : 2)
          assert.equal(event.local, kind === 'ipv6' ? LOOPBACK_6 : LOOPBACK_4)
          assert.equal(event.name, 'python3')
          const starts = /^(PO|HT)/.test(event.payload) && event.run === 0
          assert.equal(event.flags, starts ? DATA_STARTS_MESSAGE : 0)
        }
      })

    seen('of a large message the head is captured, and the rest counted', async (kernel) => {
      const moved = await kernel.traffic(['send', 'recv', 'ipv4', '2', '300000'])
      const both = await ends(kernel, moved)
      for (const end of both) checkNumbers(end)
      for (const events of [of(both[0], DIRECTION_OUT), of(both[1], DIRECTION_IN)]) {
        assert.equal(bytes(events), 2 * moved.request.length)
        assert.equal(payload(events), moved.request.slice(0, 1024).repeat(2))
        assert.ok(events.every(({ tail }) => tail === 'xxxxxxxx'))
        let run = 0
        for (const event of events) {
          if (event.flags & DATA_STARTS_MESSAGE) run = 0
          assert.equal(event.run, run)
          run += event.bytes
        }
      }
    })

    seen('what sendfile sends is counted, and said to be unread', async (kernel) => {
      const moved = await kernel.traffic(['sendfile', 'recv', 'ipv4', '2', '20000'])
      const both = await ends(kernel, moved)
      for (const end of both) checkNumbers(end)
      const sent = of(both[0], DIRECTION_OUT)
      assert.equal(bytes(sent), 2 * moved.request.length)
      assert.deepEqual(sent.map(({ flags }) => flags).slice(0, 2), [DATA_STARTS_MESSAGE, DATA_UNREAD])
      const received = of(both[1], DIRECTION_IN)
      assert.equal(bytes(received), 2 * moved.request.length)
    })

    seen('connections of other protocols give no event', async (kernel) => {
      const { pid } = await kernel.traffic(['send', 'recv', 'ipv4', '3', 'none'])
      const moved = await kernel.traffic(['send', 'recv', 'ipv4', '1', 'http'])
      await ends(kernel, moved)
      assert.deepEqual(
        kernel.events.filter((event) => event.pid === pid),
        [],
      )
    })

    seen('processes that are not selected give no event, nor does this one', async (kernel) => {
      const { pid } = await kernel.traffic(['send', 'recv', 'ipv4', '1', 'http'], false)
      const moved = await kernel.traffic(['send', 'recv', 'ipv4', '1', 'http'])
      await ends(kernel, moved)
      assert.deepEqual(
        kernel.events.filter((event) => event.kind === 'data' && (event.pid === pid || event.pid === process.pid)),
        [],
      )
    })
  })
