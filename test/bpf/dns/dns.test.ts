import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { dns } from '../../../src/receivers/ebpf/tracers/dns/index.ts'
import type { DnsOptions } from '../../../src/receivers/ebpf/tracers/dns/options.ts'
import { inKernel } from './in-kernel.ts'
import type { InKernel } from './in-kernel.ts'
import { Network, whyNoNetwork } from './network.ts'

const DOMAIN = `telegen-${process.pid}.test`
const SILENT =
  'import socket,time\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.bind(("127.0.0.9",53))\ntime.sleep(60)'
const options: DnsOptions = { ports: [53], payload: 512, timeout: 700, server: false, question_names: true }

const lacking = whyNoNetwork(['dig', 'dnsmasq', 'python3'])
const kernel = lacking ?? (await inKernel(dns, 'cgroup', options))
const skip = typeof kernel === 'string' ? kernel : false

/** Spans of a name below the test's domain. */
const spansOf = ({ recorded }: InKernel, name: string) =>
  recorded.spans.filter(({ span }) => span.attributes?.['dns.question.name'] === `${name}.${DOMAIN}`)

describe('DNS queries of real programs', { skip }, () => {
  const tracer = kernel as InKernel
  const network =
    skip === false ? new Network('dns', 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n') : undefined
  const inside = () => network ?? assert.fail()

  before(async () => {
    const names = ['v4', 'tcp', 'v6', 'python', 'node', 'served'].flatMap((name) => [
      `--host-record=${name}.${DOMAIN},192.0.2.7,2001:db8::7`,
    ])
    inside().spawn(
      'dnsmasq',
      '--no-daemon',
      '--conf-file=/dev/null',
      '--no-resolv',
      '--no-hosts',
      '--listen-address=127.0.0.1,::1',
      '--bind-interfaces',
      `--local=/${DOMAIN}/`,
      ...names,
    )
    inside().spawn('python3', '-c', SILENT)
    await inside().until('dig', '+time=1', '+tries=1', '@127.0.0.1', `up.${DOMAIN}`)
  })
  after(async () => {
    await tracer.close()
    await inside().close()
  })

  const dig = async (name: string, ...words: readonly string[]) => {
    const began = performance.now()
    const output = await inside().run('dig', '+tries=1', '+time=1', ...words, `${name}.${DOMAIN}`)
    const took = performance.now() - began
    return { ...output, took }
  }
  const only = async (name: string) => {
    await tracer.until(
      () => (spansOf(tracer, name).length > 0 ? true : undefined),
      () => [...tracer.recorded.noted],
    )
    tracer.drain()
    const spans = spansOf(tracer, name)
    assert.equal(spans.length, 1)
    return spans[0] ?? assert.fail()
  }

  test('dig by UDP: one span, of the client, no longer than dig ran', async () => {
    const { took } = await dig('v4', '@127.0.0.1', 'A')
    const { span, process } = await only('v4')
    assert.equal(process.name.startsWith('dig') || process.name.startsWith('isc-net'), true, process.name)
    assert.equal(span.name, 'DNS A')
    assert.equal(span.kind, 3)
    const attributes = span.attributes ?? {}
    assert.deepEqual(attributes['dns.answers'], ['192.0.2.7'])
    assert.equal(attributes['dns.response_code'], 'NOERROR')
    assert.equal(attributes['network.transport'], 'udp')
    assert.equal(attributes['server.address'], '127.0.0.1')
    assert.equal(attributes['server.port'], 53)
    assert.ok(Number(span.end - span.start) / 1e6 < took)
    assert.ok(span.end > span.start)
    const value = tracer.recorded.values.find((each) => each.attributes['dns.question.name'] === `v4.${DOMAIN}`)
    assert.equal(value?.value, Number(span.end - span.start) / 1e9)
  })

  test('dig by TCP', async () => {
    await dig('tcp', '+tcp', '@127.0.0.1', 'A')
    const { span } = await only('tcp')
    assert.equal(span.attributes?.['network.transport'], 'tcp')
    assert.deepEqual(span.attributes['dns.answers'], ['192.0.2.7'])
  })

  test('dig by IPv6, both transports', async () => {
    await dig('v6', '@::1', 'AAAA')
    const { span } = await only('v6')
    assert.equal(span.attributes?.['server.address'], '::1')
    assert.equal(span.attributes['network.type'], 'ipv6')
    assert.deepEqual(span.attributes['dns.answers'], ['2001:db8::7'])
    await dig('v6', '+tcp', '@::1', 'AAAA')
    await tracer.until(() => spansOf(tracer, 'v6')[1])
    assert.equal(spansOf(tracer, 'v6')[1]?.span.attributes?.['network.transport'], 'tcp')
  })

  test('a name that does not exist', async () => {
    await dig('nowhere', '@127.0.0.1', 'A')
    const { span } = await only('nowhere')
    assert.equal(span.attributes?.['error.type'], 'NXDOMAIN')
    assert.deepEqual(span.status, { code: 2 })
  })

  test('a server that says nothing', async () => {
    await dig('silent', '@127.0.0.9', 'A')
    const { span } = await only('silent')
    assert.equal(span.attributes?.['error.type'], 'timeout')
    assert.equal(span.attributes['server.address'], '127.0.0.9')
    assert.ok(Number(span.end - span.start) >= 700e6)
  })

  test('getaddrinfo of python, which asks for both kinds of address by one socket', async () => {
    const code = `import socket; print(sorted({a[4][0] for a in socket.getaddrinfo("python.${DOMAIN}", 80)}))`
    const { stdout, stderr } = await inside().run('python3', '-c', code)
    assert.match(stdout, /192\.0\.2\.7/, stderr)
    await tracer.until(() => spansOf(tracer, 'python')[1])
    const spans = spansOf(tracer, 'python')
    assert.deepEqual(spans.map(({ span }) => span.name).toSorted(), ['DNS A', 'DNS AAAA'])
    assert.ok(spans.every(({ process }) => process.name === 'python3' || process.name.startsWith('python')))
  })

  test('dns of node, which sends without connecting', async () => {
    const code = `require('node:dns').resolve4('node.${DOMAIN}', (error, found) => console.log(error ?? found))`
    const { stdout } = await inside().run(process.execPath, '-e', code)
    assert.match(stdout, /192\.0\.2\.7/)
    const { span, process: seen } = await only('node')
    assert.equal(span.name, 'DNS A')
    assert.notEqual(seen.pid, 0)
  })

  test('nothing was lost or unreadable', async () => {
    const [events = 0, full, , unreadable] = await tracer.loaded.counters()
    assert.ok(events > 10)
    assert.deepEqual([full, unreadable], [0, 0])
    assert.equal(tracer.recorded.dropped.get('malformed'), undefined)
  })

  test('a server has spans of its own where that is wanted', async (context) => {
    const both = await inKernel(dns, 'cgroup', { ...options, server: true })
    if (typeof both === 'string') return context.skip(both)
    try {
      for (const transport of ['+notcp', '+tcp']) await dig('served', transport, '@127.0.0.1', 'A')
      await both.until(
        () => spansOf(both, 'served')[3],
        () => spansOf(both, 'served').length,
      )
      const kinds = spansOf(both, 'served').map(({ span }) => span.kind)
      assert.deepEqual(kinds.map(String).toSorted(), ['2', '2', '3', '3'])
      const udp = spansOf(both, 'served').find(
        ({ span }) => span.kind === 2 && span.attributes?.['network.transport'] === 'udp',
      )
      assert.equal(udp?.process.name, 'dnsmasq')
      assert.equal(udp.span.attributes?.['server.port'], 53)
    } finally {
      await both.close()
    }
  })
})
