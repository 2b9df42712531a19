import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { line, Witness } from './witness.ts'
import { Transcript } from './transcript.ts'

const GET = 'GET /cart HTTP/1.1\r\nHost: shop.example:8080\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const NOT_FOUND = 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'

const seen = (transcript: Transcript, options = {}): Witness => new Witness(options).hear(transcript).tick()
const lines = (witness: Witness): string[] => witness.spans.map(line)

/** A server whose client is elsewhere: nothing waits for the other end. */
const server = (more = {}): Transcript => new Transcript({ remote: [10, 0, 0, 9], ...more })
const client = (more = {}): Transcript =>
  new Transcript({ remote: [10, 0, 0, 9], localPort: 45_678, remotePort: 8080, ...more })

describe('one request and its answer', () => {
  test('a server span goes from the first byte read to the last byte written', () => {
    const witness = seen(
      server()
        .in(GET, { began: 1000, time: 5000 })
        .out('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n', { began: 6000, time: 7000 })
        .out('okay', { began: 8000, time: 9000 }),
    )
    const [span] = witness.spans
    assert.deepEqual(
      { name: span!.name, kind: span!.kind, start: span!.start, end: span!.end, status: span!.status },
      { name: 'GET /cart', kind: 2, start: 5000n, end: 9000n, status: undefined },
    )
    assert.deepEqual(JSON.parse(JSON.stringify(span!.attributes)), {
      'http.request.method': 'GET',
      'url.scheme': 'http',
      'http.route': '/cart',
      'http.response.status_code': 200,
      'http.response.body.size': 4,
      'server.address': 'shop.example',
      'server.port': 8080,
      'client.address': '10.0.0.9',
      'client.port': 45_678,
      'network.peer.address': '10.0.0.9',
      'network.peer.port': 45_678,
      'network.protocol.name': 'http',
      'network.protocol.version': '1.1',
    })
    const [recorded] = witness.recorded
    assert.equal(recorded!.name, 'http.server.request.duration')
    assert.equal(recorded!.value, 4000 / 1e9)
    assert.equal(recorded!.exemplar!.spanId, span!.spanId)
    assert.deepEqual(JSON.parse(JSON.stringify(recorded!.attributes)), {
      'http.request.method': 'GET',
      'url.scheme': 'http',
      'http.route': '/cart',
      'http.response.status_code': 200,
      'network.protocol.version': '1.1',
    })
  })

  test('a client span goes from when the first write began to the last byte read', () => {
    const witness = seen(
      client()
        .out('POST /pay HTTP/1.1\r\nHost: bank\r\nContent-Length: 3\r\n\r\n', { began: 1000, time: 1500 })
        .out('abc', { began: 1600, time: 1700 })
        .in('HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\n', { began: 1000, time: 8000 })
        .in('no', { time: 9000 }),
    )
    const [span] = witness.spans
    assert.deepEqual(
      { name: span!.name, kind: span!.kind, start: span!.start, end: span!.end, status: span!.status },
      { name: 'POST /pay', kind: 3, start: 1000n, end: 9000n, status: { code: 2 } },
    )
    const { attributes } = span!
    assert.equal(attributes!['http.request.body.size'], 3)
    assert.equal(attributes!['url.template'], '/pay')
    assert.equal(attributes!['error.type'], '503')
    assert.equal(attributes!['server.address'], 'bank')
    assert.equal(attributes!['server.port'], 80)
    assert.equal(attributes!['network.peer.port'], 8080)
  })

  test('a 404 is an error to who asked, and none to who answered', () => {
    assert.equal(seen(server().in(GET).out(NOT_FOUND)).spans[0]!.status, undefined)
    assert.deepEqual(seen(client().out(GET).in(NOT_FOUND)).spans[0]!.status, { code: 2 })
  })

  test('an unknown method is _OTHER, with what stood there', () => {
    const witness = seen(server().in(GET).out(OK).in(GET.replace('GET', 'PROPFIND')).out(OK))
    assert.deepEqual(lines(witness), ['GET /cart 200', 'HTTP /cart 200'])
    assert.equal(witness.spans[1]!.attributes!['http.request.method'], '_OTHER')
    assert.equal(witness.spans[1]!.attributes!['http.request.method_original'], 'PROPFIND')
  })

  test('IPv6 addresses are told as RFC 5952 has them', () => {
    const remote = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    const [span] = seen(server({ family: 10, remote }).in(GET).out(OK)).spans
    assert.equal(span!.attributes!['network.peer.address'], '2001:db8::1')
  })
})

describe('where a message ends', () => {
  test('many requests over one connection, kept alive', () => {
    const transcript = server()
    for (let index = 0; index < 5; index++) transcript.in(GET).out(OK).in(GET).out(NOT_FOUND)
    assert.deepEqual(
      lines(seen(transcript)),
      Array.from({ length: 5 }, () => ['GET /cart 200', 'GET /cart 404']).flat(),
    )
  })

  test('pipelined requests are answered in their order', () => {
    const three = ['a', 'b', 'c'].map((name) => GET.replace('cart', name)).join('')
    assert.deepEqual(
      lines(
        seen(
          server()
            .in(three)
            .out(OK + NOT_FOUND)
            .out(OK),
        ),
      ),
      ['GET /a 200', 'GET /b 404', 'GET /c 200'],
    )
  })

  test('a head comes in pieces of one byte', () => {
    const transcript = server()
    for (const letter of GET) transcript.in(letter)
    for (const letter of OK) transcript.out(letter)
    transcript.in(GET).out(NOT_FOUND)
    assert.deepEqual(lines(seen(transcript)), ['GET /cart 200', 'GET /cart 404'])
  })

  test('a body larger than what is captured ends by its length', () => {
    const body = 'x'.repeat(100_000)
    const transcript = server()
      .in(`POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5000)}`)
      .in(body.slice(5000))
      .out(OK)
      .in(GET)
      .out(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
      .in(GET)
      .out(NOT_FOUND)
    const witness = seen(transcript)
    assert.deepEqual(lines(witness), ['POST /up 200', 'GET /cart 200', 'GET /cart 404'])
    assert.equal(witness.spans[0]!.attributes!['http.request.body.size'], 100_000)
    assert.equal(witness.spans[1]!.attributes!['http.response.body.size'], 100_000)
  })

  test('chunks end where the last chunk is captured, or is the tail of a call, or comes by itself in pieces', () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
    const large = `2000\r\n${'y'.repeat(0x2000)}\r\n`
    const transcript = server()
      .in(GET)
      .out(`${head}5\r\nhello\r\n0\r\n\r\n`, { time: 2e6 })
      .in(GET)
      .out(`${head}${large}${large}`)
      .out(`${large}0\r\n\r\n`, { time: 3e6 })
      .in(GET)
      .out(`${head}${large}${large}`)
      .out('0\r\n')
      .out('\r\n', { time: 4e6 })
      .in(GET)
      .out(`${head}${large}`)
      .out('0\r\nExpires: never\r\n\r\n', { time: 5e6 })
    const witness = seen(transcript)
    assert.deepEqual(
      witness.spans.map(({ end }) => end),
      [2_000_000n, 3_000_000n, 4_000_000n],
    )
    assert.equal(witness.spans[0]!.attributes!['http.response.body.size'], 5)
    assert.equal(witness.spans[1]!.attributes!['http.response.body.size'], undefined)
  })

  test('the size of a chunk that was not captured is known from where it began', () => {
    const chunk = `2000\r\n${'y'.repeat(0x2000)}\r\n0\r\n\r\n`
    const transcript = server().in(GET).out(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`)
    assert.equal(seen(transcript).spans[0]!.attributes!['http.response.body.size'], 0x2000)
  })

  test('answers without a body: to HEAD, 204, 304', () => {
    const transcript = server()
      .in(GET.replace('GET', 'HEAD'))
      .out('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n')
      .in(GET)
      .out('HTTP/1.1 204 No Content\r\n\r\n')
      .in(GET)
      .out('HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n')
      .in(GET)
      .out(OK)
    assert.deepEqual(lines(seen(transcript)), ['HEAD /cart 200', 'GET /cart 204', 'GET /cart 304', 'GET /cart 200'])
  })

  test('an answer without length lasts until the connection is closed, and ends with its last byte', () => {
    const transcript = server().in(GET).out('HTTP/1.0 200 OK\r\n\r\nsome').out(' more', { time: 4e6 })
    const witness = seen(transcript)
    assert.equal(witness.spans.length, 0)
    witness.events(transcript.closed(9e6).events.slice(-1))
    assert.equal(witness.spans[0]!.end, 4_000_000n)
    assert.equal(witness.spans[0]!.attributes!['http.response.body.size'], 9)
  })

  test('what goes between the last answer and the next request unseen ends with the next answer', () => {
    const transcript = server().in(GET).out('HTTP/1.1 200 OK\r\nContent-Length: 700\r\n\r\n').in(GET).out(NOT_FOUND)
    assert.deepEqual(lines(seen(transcript)), ['GET /cart 200', 'GET /cart 404'])
  })

  test('a body sent by the kernel itself is counted, if not read', () => {
    const transcript = server()
      .in(GET)
      .out('HTTP/1.1 200 OK\r\nContent-Length: 700\r\n\r\n')
      .out('z'.repeat(700), { unread: true, time: 8e6 })
    assert.equal(seen(transcript).spans[0]!.end, 8_000_000n)
  })
})

describe('what is not a plain answer', () => {
  test('100 Continue is not the answer', () => {
    const transcript = server()
      .in('PUT /f HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n')
      .out('HTTP/1.1 100 Continue\r\n\r\n')
      .in('data')
      .out('HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n')
    const witness = seen(transcript)
    assert.deepEqual(lines(witness), ['PUT /f 201'])
    assert.equal(witness.notes.get('interim_answers'), 2)
  })

  test('an upgrade ends with its head, and what follows is let be', () => {
    const transcript = server()
      .in(`GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
      .out('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n', { time: 5e6 })
      .in(GET)
      .out(OK)
    const witness = seen(transcript)
    assert.deepEqual(lines(witness), ['GET /ws 101'])
    assert.equal(witness.spans[0]!.end, 5_000_000n)
  })

  test('a tunnel too, where CONNECT is granted; where it is not, the connection goes on', () => {
    const connect = 'CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n'
    assert.deepEqual(lines(seen(server().in(connect).out('HTTP/1.1 200 OK\r\n\r\n').in(GET).out(OK))), ['CONNECT 200'])
    const denied = seen(server().in(connect).out(NOT_FOUND).in(GET).out(OK))
    assert.deepEqual(lines(denied), ['CONNECT 404', 'GET /cart 200'])
  })

  test('an answer before the request is whole ends the exchange; the rest of the body is no request', () => {
    const transcript = server()
      .in(`POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 120\r\n\r\n${'x'.repeat(20)}`)
      .out('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n')
      .in(`GET /fake HTTP/1.1\r\nHost: a\r\n\r\n`.padEnd(100, 'x'))
      .in(GET)
      .out(OK)
    assert.deepEqual(lines(seen(transcript)), ['POST /big 413', 'GET /cart 200'])
  })

  test('a connection closed before the answer is an error on both sides', () => {
    const [served] = seen(server().in(GET).closed(9e6)).spans
    assert.equal(served!.attributes!['error.type'], 'connection_closed')
    assert.equal(served!.end, 9_000_000n)
    assert.deepEqual(served!.status, { code: 2 })
    assert.equal(seen(client().out(GET).closed()).spans[0]!.attributes!['http.response.status_code'], undefined)
  })

  test('a connection closed in the middle of the answer is an error on both sides, beside the status', () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n'
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'
    for (const transcript of [
      server().in(GET).out(head).out('some').closed(),
      client().out(GET).in(head).in('some').closed(),
      server().in(GET).out(chunked).closed(),
    ]) {
      const { spans, recorded } = seen(transcript)
      const { attributes, status } = spans[0]!
      assert.deepEqual(
        [attributes!['http.response.status_code'], attributes!['error.type'], status],
        [200, 'connection_closed', { code: 2 }],
      )
      assert.equal(recorded[0]!.attributes['error.type'], 'connection_closed')
    }
  })

  test('a body that no hook saw anything of is not taken to have broken off', () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n'
    assert.equal(seen(server().in(GET).out(head).closed()).spans[0]!.attributes!['error.type'], undefined)
  })
})

describe('what was not seen', () => {
  test('an answer whose request was before our time is no span', () => {
    const witness = seen(server({ sequence: 12 }).out(OK).in(GET).out(NOT_FOUND))
    assert.deepEqual(lines(witness), ['GET /cart 404'])
    assert.equal(witness.notes.get('answers_without_request'), 1)
  })

  test('coming in the middle of a body waits for the next request', () => {
    const witness = seen(server({ sequence: 3 }).in('half a body').out(OK).in(GET).out(NOT_FOUND))
    assert.deepEqual(lines(witness), ['GET /cart 404'])
  })

  test('lost events cost what was under way, counted, and never pair wrongly', () => {
    const transcript = server().in(GET).out(OK).in(GET.replace('cart', 'gone')).out(OK).unseen().in(GET).out(NOT_FOUND)
    const witness = seen(transcript)
    assert.deepEqual(lines(witness), ['GET /cart 200', 'GET /cart 404'])
    assert.equal(witness.drops.get('events_missing'), 1)
    assert.equal(witness.notes.get('sequence_gaps'), 1)
  })

  test('a client that pipelines is let be once something is lost', () => {
    const transcript = server()
      .in(GET + GET)
      .out(OK)
      .out(OK)
      .unseen()
      .in(GET)
      .out(NOT_FOUND)
    const witness = seen(transcript)
    assert.deepEqual(lines(witness), ['GET /cart 200'])
    assert.equal(witness.drops.get('events_missing'), 1)
  })

  test('a cut head is used as far as it was seen, and counted', () => {
    const long = `GET /cart HTTP/1.1\r\nHost: a\r\nCookie: ${'c'.repeat(3000)}\r\n\r\n`
    const answer = `HTTP/1.1 200 OK\r\nContent-Security-Policy: ${'p'.repeat(2000)}\r\nContent-Length: 2\r\n\r\nok`
    const transcript = server().in(long).out(answer, { time: 4e6 }).in(GET).out(NOT_FOUND)
    const witness = seen(transcript)
    assert.deepEqual(lines(witness), ['GET /cart 200', 'GET /cart 404'])
    assert.equal(witness.spans[0]!.end, 4_000_000n)
    assert.equal(witness.notes.get('truncated'), 1)
  })

  test('an answer with a cut head is told after a while, at its last byte', () => {
    const answer = `HTTP/1.1 200 OK\r\nContent-Security-Policy: ${'p'.repeat(2000)}\r\n\r\nok`
    const witness = seen(server().in(GET).out(answer, { time: 4e6 }))
    assert.equal(witness.tick(4e6 + 1e9).spans.length, 0)
    assert.equal(witness.tick(4e6 + 6e9).spans[0]!.end, 4_000_000n)
  })

  test('a path that was cut has no route', () => {
    const long = `GET /search/${'a'.repeat(2000)} HTTP/1.1\r\nHost: a\r\n\r\n`
    assert.deepEqual(lines(seen(server().in(long).out(OK))), ['GET 200'])
    const query = `GET /search?q=${'a'.repeat(2000)} HTTP/1.1\r\nHost: a\r\n\r\n`
    assert.deepEqual(lines(seen(server().in(query).out(OK))), ['GET /search 200'])
  })

  test('a request that is never answered is let go of, counted', () => {
    const witness = seen(server().in(GET))
    witness.tick(301e9)
    assert.equal(witness.drops.get('answer_overdue'), 1)
    assert.equal(witness.spans.length, 0)
  })

  test('the answer of a call that was told before its request costs that exchange and the next', () => {
    const transcript = client()
      .out(GET)
      .in(OK)
      .in(OK, { time: 5e6 })
      .out(GET, { began: 4e6, time: 6e6 })
      .out(GET, { began: 7e6, time: 8e6 })
      .in(OK)
      .out(GET)
      .in(NOT_FOUND)
    const witness = seen(transcript)
    assert.deepEqual(lines(witness), ['GET /cart 200', 'GET /cart 404'])
    assert.equal(witness.drops.get('out_of_order'), 1)
  })

  test('more connections than are remembered push out the quiet ones, counted', () => {
    const witness = new Witness({ connections: 64 })
    for (let index = 0; index < 100; index++) witness.hear(server({ connection: index + 1 }).in(GET))
    assert.equal(witness.tracer.connections, 64)
    assert.equal(witness.notes.get('connections_evicted'), 36)
    assert.equal(witness.drops.get('connection_evicted'), 36)
  })
})

describe('what is told', () => {
  test('no path, a path, and a query whose values are hidden', () => {
    const get = 'GET /users/42?name=joe&page=2 HTTP/1.1\r\nHost: a:81\r\nUser-Agent: curl\r\n\r\n'
    const attributes = (options: object, make = server()): Record<string, unknown> => ({
      ...seen(make.end.localPort === 8080 ? make.in(get).out(OK) : make.out(get).in(OK), options).spans[0]!.attributes,
    })
    assert.equal(attributes({ path: 'none' })['http.route'], undefined)
    const template = attributes({})
    assert.deepEqual(
      [template['http.route'], template['url.path'], template['url.query']],
      ['/users/{id}', undefined, undefined],
    )
    const full = attributes({ path: 'full', query: true, query_values: ['page'], user_agent: true })
    assert.deepEqual(
      [full['url.path'], full['url.query'], full['user_agent.original']],
      ['/users/42', 'name=REDACTED&page=2', 'curl'],
    )
    assert.equal(attributes({ path: 'full' }, client())['url.full'], 'http://a:81/users/42')
    assert.equal(
      attributes({ path: 'full', query: true }, client())['url.full'],
      'http://a:81/users/42?name=REDACTED&page=REDACTED',
    )
  })

  test('headers that were asked for, without what must not be told', () => {
    const get = 'GET / HTTP/1.1\r\nHost: a\r\nX-Tenant: blue\r\nx-tenant: red\r\nAuthorization: Bearer secret\r\n\r\n'
    const headers = { request: ['X-Tenant', 'authorization'], response: ['server'], redact: ['Authorization'] }
    const answer = OK.replace('\r\n', '\r\nServer: nginx\r\n')
    const { attributes } = seen(server().in(get).out(answer), { headers }).spans[0]!
    assert.deepEqual(attributes!['http.request.header.x-tenant'], ['blue', 'red'])
    assert.deepEqual(attributes!['http.request.header.authorization'], ['REDACTED'])
    assert.deepEqual(attributes!['http.response.header.server'], ['nginx'])
  })

  test('a target with a scheme says whom it is meant for, without who asks', () => {
    const get = 'GET https://joe:secret@shop.example/cart?x#y HTTP/1.1\r\nHost: proxy\r\n\r\n'
    const { attributes } = seen(client().out(get).in(OK)).spans[0]!
    assert.deepEqual(
      [
        attributes!['server.address'],
        attributes!['server.port'],
        attributes!['url.scheme'],
        attributes!['url.template'],
      ],
      ['shop.example', 443, 'https', '/cart'],
    )
  })

  test('processes that are left out, and sides that are off, say nothing', () => {
    const witness = new Witness()
    witness.leftOut.add(100)
    witness.hear(server().in(GET).out(OK)).tick()
    assert.deepEqual([witness.spans, witness.recorded], [[], []])
    assert.deepEqual(seen(server().in(GET).out(OK), { server: false }).recorded, [])
    assert.deepEqual(seen(client().out(GET).in(OK), { client: false }).recorded, [])
  })

  test('without traces wanted there are durations alone', () => {
    const witness = new Witness({}, ['metrics']).hear(server().in(GET).out(OK)).tick()
    assert.deepEqual([witness.spans.length, witness.recorded.length], [0, 1])
    assert.equal(witness.recorded[0]!.exemplar, undefined)
  })
})
