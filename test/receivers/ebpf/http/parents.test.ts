import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type SpanFields, thresholdOf } from '../../../../src/plugin.ts'
import { Sampler } from '../../../../src/receivers/ebpf/tracers/http/sampler.ts'
import { type End, otherEnd, Transcript } from './transcript.ts'
import { Witness } from './witness.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const request = (path: string, ...headers: string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: a', ...headers, '', ''].join('\r\n')
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
const FAR = { remote: [10, 0, 0, 9] }

const served = (end: End = {}): Transcript => new Transcript({ ...FAR, connection: 1, ...end })
const called = (end: End = {}): Transcript =>
  new Transcript({ ...FAR, connection: 2, localPort: 40_000, remotePort: 9090, ...end })

const named = (witness: Witness, name: string): SpanFields => {
  const span = witness.spans.find((span) => span.name === name)
  assert.ok(span, `no span ${name}`)
  return span
}

/** All events of some transcripts, as they would come: by when each call ended. */
const inOrder = (...transcripts: Transcript[]): Buffer[] =>
  transcripts.flatMap(({ events }) => events).sort((a, b) => Number(a.readBigUInt64LE(8) - b.readBigUInt64LE(8)))

describe('traceparent', () => {
  test('joins a trace: the parent of a server span is who sent the header', () => {
    const head = request('/a', `traceparent: 00-${TRACE}-${PARENT}-01`, 'tracestate: x=1', 'Tracestate: y=2')
    const [span] = new Witness().hear(served().in(head).out(OK)).spans
    assert.deepEqual(
      [span!.traceId, span!.parentSpanId, span!.traceState, span!.flags],
      [TRACE, PARENT, 'x=1,y=2', 0x301],
    )
    assert.match(String(span!.spanId), /^[0-9a-f]{16}$/)
  })

  test('of a call names the trace, and the span within its own process', () => {
    const [span] = new Witness().hear(
      called()
        .out(request('/a', `traceparent: 00-${TRACE}-${PARENT}-01`))
        .in(OK),
    ).spans
    assert.deepEqual([span!.traceId, span!.parentSpanId, span!.flags], [TRACE, PARENT, 0x101])
  })

  const wrong: Record<string, string> = {
    'upper-case digits': `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    'no trace': `00-${'0'.repeat(32)}-${PARENT}-01`,
    'no parent': `00-${TRACE}-${'0'.repeat(16)}-01`,
    'version ff': `ff-${TRACE}-${PARENT}-01`,
    'more behind version 00': `00-${TRACE}-${PARENT}-01-x`,
    'more behind a later version without a dash': `01-${TRACE}-${PARENT}-01x`,
    'too short': `00-${TRACE}-${PARENT}-1`,
    'a letter that is no digit': `00-${TRACE.slice(0, -1)}g-${PARENT}-01`,
    'other separators': `00_${TRACE}_${PARENT}_01`,
    nothing: '',
  }
  for (const [what, header] of Object.entries(wrong))
    test(`is not taken with ${what}`, () => {
      const [span] = new Witness().hear(
        served()
          .in(request('/a', `traceparent: ${header}`))
          .out(OK),
      ).spans
      assert.notEqual(span!.traceId, TRACE)
      assert.equal(span!.parentSpanId, undefined)
    })

  test('is not taken when it is said twice, and is with a later version', () => {
    const header = `traceparent: 00-${TRACE}-${PARENT}-01`
    assert.notEqual(
      new Witness().hear(
        served()
          .in(request('/a', header, header))
          .out(OK),
      ).spans[0]!.traceId,
      TRACE,
    )
    const later = `TraceParent:  cc-${TRACE}-${PARENT}-01-what-will-be `
    assert.equal(new Witness().hear(served().in(request('/a', later)).out(OK)).spans[0]!.traceId, TRACE)
  })

  test('tracestate is kept within 512 characters, by whole entries', () => {
    const state = Array.from({ length: 40 }, (_, index) => `key${index}=${'v'.repeat(12)}`).join(',')
    const head = request('/a', `traceparent: 00-${TRACE}-${PARENT}-01`, `tracestate: ${state}`)
    const [span] = new Witness().hear(served().in(head).out(OK)).spans
    assert.ok(span!.traceState!.length <= 512)
    assert.ok(state.startsWith(`${span!.traceState!},`))
  })
})

describe('a call made while a thread serves one request', () => {
  const serving = (tid = 5): Transcript => served({ pid: 9, tid })
  const calling = (tid = 5): Transcript => called({ pid: 9, tid })

  test('is part of it', () => {
    const server = serving().in(request('/front'), { time: 1e6 }).out(OK, { time: 9e6 })
    const client = calling().out(request('/back'), { time: 2e6 }).in(OK, { time: 3e6 })
    const witness = new Witness().events(inOrder(server, client)).tick()
    const [front, back] = [named(witness, 'GET /front'), named(witness, 'GET /back')]
    assert.deepEqual([back.traceId, back.parentSpanId], [front.traceId, front.spanId])
    assert.equal(front.parentSpanId, undefined)
  })

  test('is part of the trace that the request came with', () => {
    const header = `traceparent: 00-${TRACE}-${PARENT}-01`
    const server = serving().in(request('/front', header), { time: 1e6 }).out(OK, { time: 9e6 })
    const client = calling().out(request('/back'), { time: 2e6 }).in(OK, { time: 3e6 })
    const witness = new Witness().events(inOrder(server, client)).tick()
    assert.equal(named(witness, 'GET /back').traceId, TRACE)
    assert.equal(named(witness, 'GET /back').parentSpanId, named(witness, 'GET /front').spanId)
  })

  test('is part of nothing before, after, or by another thread', () => {
    const server = serving().in(request('/front'), { time: 3e6 }).out(OK, { time: 4e6 })
    const before = calling().out(request('/before'), { time: 1e6 }).in(OK, { time: 2e6 })
    const after = called({ pid: 9, tid: 5, connection: 3 }).out(request('/after'), { time: 5e6 }).in(OK, { time: 6e6 })
    const other = called({ pid: 9, tid: 6, connection: 4 })
      .out(request('/other'), { time: 3.1e6 })
      .in(OK, { time: 3.2e6 })
    const witness = new Witness().events(inOrder(server, before, after, other)).tick()
    assert.deepEqual(
      witness.spans.map(({ parentSpanId }) => parentSpanId),
      [undefined, undefined, undefined, undefined],
    )
    assert.equal(witness.notes.get('parent_ambiguous'), undefined)
  })

  test('is not guessed where the thread serves two, and that is counted', () => {
    const one = serving().in(request('/one'), { time: 1e6 }).out(OK, { time: 9e6 })
    const two = served({ pid: 9, tid: 5, connection: 3 }).in(request('/two'), { time: 1.5e6 }).out(OK, { time: 8e6 })
    const client = calling().out(request('/back'), { time: 2e6 }).in(OK, { time: 3e6 })
    const witness = new Witness().events(inOrder(one, two, client)).tick()
    assert.equal(named(witness, 'GET /back').parentSpanId, undefined)
    assert.equal(witness.notes.get('parent_ambiguous'), 1)
  })

  test('is not guessed once a process was seen to answer from another thread', () => {
    const wandering = serving().in(request('/w'), { time: 1e6 }).out(OK, { time: 2e6, tid: 6 })
    const server = served({ pid: 9, tid: 5, connection: 3 }).in(request('/front'), { time: 3e6 }).out(OK, { time: 9e6 })
    const client = calling().out(request('/back'), { time: 4e6 }).in(OK, { time: 5e6 })
    const witness = new Witness().events(inOrder(wandering, server, client)).tick()
    assert.equal(named(witness, 'GET /back').parentSpanId, undefined)
    assert.equal(witness.notes.get('parent_ambiguous'), 1)
  })

  test('has no parent that will never be told', () => {
    const server = serving().in(request('/front'), { time: 1e6 }).out(OK, { time: 9e6 })
    const client = calling().out(request('/back'), { time: 2e6 }).in(OK, { time: 3e6 })
    const witness = new Witness({ server: false }).events(inOrder(server, client)).tick()
    assert.equal(witness.spans.length, 1)
    assert.equal(witness.spans[0]!.parentSpanId, undefined)
  })
})

describe('both ends of a call within this host', () => {
  const server = (): Transcript => new Transcript({ connection: 1, pid: 9, tid: 9 })
  const client = (of: Transcript): Transcript => new Transcript(otherEnd(of.end, { connection: 2, pid: 8, tid: 8 }))

  for (const [order, asked] of Object.entries({ 'before the server': 1.0e6, 'after the server has answered': 2.5e6 }))
    test(`are parent and child where the client is seen ${order}`, () => {
      const answering = server().in(request('/a'), { time: 1.5e6 }).out(OK, { time: 2e6 })
      const asking = client(answering).out(request('/a'), { began: 0.9e6, time: asked }).in(OK, { time: 3e6 })
      const witness = new Witness().events(inOrder(answering, asking)).tick()
      const [above, below] = [3, 2].map((kind) => witness.spans.find((span) => span.kind === kind)!)
      assert.deepEqual([below!.traceId, below!.parentSpanId], [above!.traceId, above!.spanId])
      assert.equal(above!.parentSpanId, undefined)
    })

  test('pair by their order where requests are pipelined, and by their time where they are not', () => {
    const answering = server()
    const asking = client(answering)
    for (let round = 0; round < 3; round++) {
      const at = (round + 1) * 1e7
      asking.out(request(`/a${round}`) + request(`/b${round}`), { began: at, time: at + 100 })
      answering.in(request(`/a${round}`) + request(`/b${round}`), { time: at + 200 })
      answering.out(OK, { time: at + 300 }).out(OK, { time: at + 400 })
      asking.in(OK + OK, { time: at + 500 })
    }
    const witness = new Witness().events(inOrder(answering, asking)).tick()
    const servers = witness.spans.filter(({ kind }) => kind === 2)
    assert.equal(servers.length, 6)
    for (const { name, parentSpanId, traceId } of servers) {
      const above = witness.spans.find((span) => span.kind === 3 && span.name === name)!
      assert.deepEqual([traceId, parentSpanId], [above.traceId, above.spanId])
    }
  })

  test('are no parent and child where the call was over before the server was asked', () => {
    const answering = server().in(request('/second'), { time: 6e6 }).out(OK, { time: 7e6 })
    const asking = client(answering)
      .out(request('/first'), { began: 1e6, time: 1.1e6 })
      .in(OK, { time: 2e6 })
      .out(request('/second'), { began: 5e6, time: 5.1e6 })
      .in(OK, { time: 8e6 })
    const witness = new Witness().events(inOrder(answering, asking)).tick()
    const above = witness.spans.find(({ kind, name }) => kind === 3 && name === 'GET /second')!
    assert.equal(witness.spans.find(({ kind }) => kind === 2)!.parentSpanId, above.spanId)
  })

  test('a chain of calls over three processes is one trace', () => {
    const front = server().in(request('/front'), { time: 2e6 })
    const asking = client(front).out(request('/front'), { began: 1e6, time: 1.1e6 })
    const back = new Transcript({ connection: 3, pid: 7, tid: 7, localPort: 9090, remotePort: 50_000 })
    const call = new Transcript(otherEnd(back.end, { connection: 4, pid: 9, tid: 9 }))
    call.out(request('/back'), { began: 3e6, time: 3.5e6 }).in(OK, { time: 6e6 })
    back.in(request('/back'), { time: 4e6 }).out(OK, { time: 5e6 })
    front.out(OK, { time: 7e6 })
    asking.in(OK, { time: 8e6 })
    const witness = new Witness().events(inOrder(front, asking, back, call)).tick()
    const [a, b, c, d] = [
      witness.spans.find(({ kind, name }) => kind === 3 && name === 'GET /front')!,
      witness.spans.find(({ kind, name }) => kind === 2 && name === 'GET /front')!,
      witness.spans.find(({ kind, name }) => kind === 3 && name === 'GET /back')!,
      witness.spans.find(({ kind, name }) => kind === 2 && name === 'GET /back')!,
    ]
    assert.equal(new Set(witness.spans.map(({ traceId }) => traceId)).size, 1)
    assert.deepEqual([b.parentSpanId, c.parentSpanId, d.parentSpanId], [a.spanId, b.spanId, c.spanId])
  })

  test('where the client is never seen, the server span is told with the next tick, as a root', () => {
    const witness = new Witness().hear(server().in(request('/a')).out(OK))
    assert.equal(witness.spans.length, 0)
    assert.equal(witness.tick().spans[0]!.parentSpanId, undefined)
  })

  test('are parent and child where the client gave up waiting, and closed first', () => {
    const answering = server().in(request('/a'), { time: 2e6 }).closed(9e6)
    const asking = client(answering).out(request('/a'), { began: 1e6, time: 1.5e6 }).closed(8e6)
    const witness = new Witness().events(inOrder(answering, asking)).tick()
    const [above, below] = [3, 2].map((kind) => witness.spans.find((span) => span.kind === kind)!)
    assert.deepEqual([below!.traceId, below!.parentSpanId], [above!.traceId, above!.spanId])
    assert.equal(below!.attributes!['error.type'], 'connection_closed')
  })

  test('a call of which nobody knows how it ended is no parent', () => {
    const answering = server().in(request('/a'), { time: 2e6 }).out(OK, { time: 5e6 })
    const asking = client(answering)
      .out(request('/a'), { began: 1e6, time: 1.5e6 })
      .in('HTTP/1.1 200 OK\r\n', { time: 3e6 })
      .unseen()
      .in('Content-Length: 0\r\n\r\n', { time: 4e6 })
    const witness = new Witness().events(inOrder(answering, asking)).tick()
    assert.equal(witness.drops.get('events_missing'), 1)
    assert.deepEqual(
      witness.spans.map(({ kind, parentSpanId }) => [kind, parentSpanId]),
      [[2, undefined]],
    )
  })

  test('a client that is left out is no parent', () => {
    const answering = server().in(request('/a'), { time: 2e6 }).out(OK, { time: 3e6 })
    const asking = client(answering).out(request('/a'), { began: 1e6, time: 1.5e6 }).in(OK, { time: 4e6 })
    const witness = new Witness()
    witness.leftOut.add(8)
    witness.events(inOrder(answering, asking)).tick()
    assert.deepEqual(
      witness.spans.map(({ kind, parentSpanId }) => [kind, parentSpanId]),
      [[2, undefined]],
    )
  })
})

describe('sampling', () => {
  const many = (witness: Witness): number => {
    for (let index = 0; index < 2000; index++)
      witness.hear(served({ connection: index }).in(request('/a')).out(OK).closed())
    return witness.spans.length
  }

  test('keeps its share of the spans, and counts all in the metrics', () => {
    const witness = new Witness({ sampling: { ratio: 0.25, parent: true } })
    const kept = many(witness)
    assert.ok(kept > 380 && kept < 620, `${kept} of 2000`)
    assert.equal(witness.recorded.length, 2000)
    assert.equal(witness.recorded.filter(({ exemplar }) => exemplar).length, kept)
    assert.equal(many(new Witness({ sampling: { ratio: 0, parent: true } })), 0)
  })

  test('is by the last 56 bits of the trace id, the same everywhere', () => {
    const witness = new Witness({ sampling: { ratio: 0.5, parent: false } })
    const low = `${TRACE.slice(0, 18)}7fffffffffffff`
    const high = `${TRACE.slice(0, 18)}80000000000000`
    for (const id of [low, high])
      witness.hear(
        served({ connection: Number(`0x${id.slice(18, 22)}`) })
          .in(request('/a', `traceparent: 00-${id}-${PARENT}-00`))
          .out(OK),
      )
    assert.deepEqual(
      witness.spans.map(({ traceId }) => traceId),
      [high],
    )
  })

  test('takes all 56 bits of it', () => {
    for (const ratio of [0.5, 0.3, 1e-3, 0.999, 1])
      for (const distance of [-1n, 0n, 1n]) {
        const { high, low } = thresholdOf(ratio, 14)!
        const least = BigInt(high) * 2n ** 28n + BigInt(low)
        const randomness = BigInt.asUintN(56, least + distance)
        const third = Number(randomness >> 32n) | 0xab00_0000
        const id = [1, 2, third | 0, Number(BigInt.asIntN(32, randomness))]
        assert.equal(new Sampler(ratio).keeps(id), randomness >= least, `${ratio} ${distance}`)
      }
  })

  test('heeds what a parent decided', () => {
    const witness = new Witness({ sampling: { ratio: 0.0001, parent: true } })
    witness.hear(
      served()
        .in(request('/a', `traceparent: 00-${TRACE}-${PARENT}-01`))
        .out(OK)
        .in(request('/b', `traceparent: 00-${TRACE}-${PARENT}-00`))
        .out(OK),
    )
    assert.deepEqual(
      witness.spans.map(({ name }) => name),
      ['GET /a'],
    )
    assert.equal(witness.recorded.length, 2)
  })
})
