import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { tcp } from '../../../src/receivers/ebpf/tracers/tcp/index.ts'
import type { TcpOptions } from '../../../src/receivers/ebpf/tracers/tcp/options.ts'
import { inKernel } from '../dns/in-kernel.ts'
import type { InKernel } from '../dns/in-kernel.ts'
import { Network, whyNoNetwork } from '../dns/network.ts'
import { CLIENT, FAILS, MANY, RESETS, SENDS, SERVER, STAYS } from './programs.ts'

const options: TcpOptions = { peers: 'port', connections: true, survey_interval: 60_000, max_connections: 65_536 }
const ANSWER = 250_000
const PORT = 18_080
const PORT_6 = 18_081
const lacking = whyNoNetwork(['python3', 'sysctl', 'curl'])

interface Said {
  readonly pid: number
  readonly read: number
  readonly local: number
  readonly took: number
  readonly error: string | null
  readonly retransmits: number
}

for (const { name: rung } of tcp.rungs) {
  const kernel = lacking ?? (await inKernel(tcp, rung, options))
  describe(`TCP connections of real programs, by ${rung}`, { skip: typeof kernel === 'string' ? kernel : false }, () =>
    scenarios(kernel as InKernel, rung),
  )
}

function scenarios(tracer: InKernel, rung: string): void {
  let network: Network
  let server: Said
  let lines: AsyncIterator<string>

  before(async () => {
    network = new Network(`tcp-${rung}`)
    lines = linesOf(network.spawn('python3', '-c', SERVER, '127.0.0.1', `${PORT}`, `${ANSWER}`))
    server = await said(lines)
    await said(linesOf(network.spawn('python3', '-c', SERVER, '::1', `${PORT_6}`, '10')))
  })
  after(async () => {
    await tracer.close()
    await network.close()
  })

  const python = async (program: string, ...words: readonly (string | number)[]): Promise<Said> => {
    const { stdout, stderr } = await network.run('python3', '-c', program, ...words.map(String))
    assert.notEqual(stdout, '', stderr)
    return JSON.parse(stdout) as Said
  }
  const recordsOf = (pid: number) =>
    tracer.recorded.records.filter(({ process }) => process.pid === pid).map(({ record }) => record)
  const record = (pid: number, role: string) =>
    tracer.until(
      () => recordsOf(pid).find(({ attributes }) => attributes?.['tcp.role'] === role),
      () => recordsOf(pid),
    )
  const events = (pid: number) =>
    tracer.recorded.values
      .filter(({ name, process }) => name === 'tcp.connections' && process.pid === pid)
      .map(({ attributes }) => attributes['tcp.event'])

  test('both ends of a connection are told as the programs saw them, the accepted one for the process that read', async () => {
    const client = await python(CLIENT, '127.0.0.1', PORT, 100_000)
    const reader = await said(lines)
    assert.deepEqual([client.read, reader.read], [ANSWER, 100_000])

    const opened = (await record(client.pid, 'client')).attributes ?? {}
    assert.equal(opened['network.local.port'], client.local)
    assert.equal(opened['network.peer.port'], PORT)
    assert.equal(opened['network.peer.address'], '127.0.0.1')
    assert.deepEqual([opened['tcp.bytes_sent'], opened['tcp.bytes_received']], [100_000, ANSWER])
    assert.equal(opened['tcp.end'], 'finished')
    const took = opened['tcp.connection.duration'] as number
    assert.ok(took > 0 && took <= client.took, `${took} of ${client.took}`)
    assert.ok((opened['tcp.rtt'] as number) > 0)

    const accepted = (await record(reader.pid, 'server')).attributes ?? {}
    assert.equal(accepted['network.local.port'], PORT)
    assert.equal(accepted['network.peer.port'], client.local)
    assert.deepEqual([accepted['tcp.bytes_sent'], accepted['tcp.bytes_received']], [ANSWER, 100_000])
    assert.deepEqual(events(client.pid), ['opened', 'closed'])
    assert.deepEqual(events(reader.pid), ['accepted', 'closed'])
  })

  test('IPv6', async () => {
    const client = await python(CLIENT, '::1', PORT_6, 5)
    const { attributes = {} } = await record(client.pid, 'client')
    assert.equal(attributes['network.type'], 'ipv6')
    assert.equal(attributes['network.peer.address'], '::1')
    assert.deepEqual([attributes['tcp.bytes_sent'], attributes['tcp.bytes_received']], [5, 10])
  })

  test('a connection that is refused', async () => {
    for (const host of ['127.0.0.1', '::1']) {
      const { pid, error } = await python(FAILS, host, 18_099)
      assert.equal(error, 'ECONNREFUSED')
      const failed = await record(pid, 'client')
      assert.equal(failed.eventName, 'tcp.connection.failed')
      assert.equal(failed.attributes?.['error.type'], 'ECONNREFUSED')
      assert.equal(failed.attributes['network.peer.port'], 18_099)
      assert.equal(failed.attributes['tcp.state'], 'SYN_SENT')
      assert.deepEqual(events(pid), ['failed'])
    }
  })

  test('a connection that one end resets', async () => {
    const { pid, error } = await python(RESETS, 18_082)
    assert.equal(error, 'ECONNRESET')
    assert.equal((await record(pid, 'client')).attributes?.['tcp.end'], 'reset_by_peer')
    assert.equal((await record(pid, 'server')).attributes?.['tcp.end'], 'reset_by_process')
  })

  test('hundreds of connections of node, and one of curl: each is counted once at each end', async () => {
    const { stdout } = await network.run(process.execPath, '-e', MANY, `${PORT}`, '300')
    const { pid } = JSON.parse(stdout) as Said
    await tracer.until(
      () => (events(pid).length >= 600 ? true : undefined),
      () => events(pid).length,
    )
    assert.equal(events(pid).filter((event) => event === 'opened').length, 300)
    assert.equal(events(pid).filter((event) => event === 'closed').length, 300)
    await network.run('curl', '-s', '--max-time', '2', '--http0.9', `http://127.0.0.1:${PORT}/`)
    await tracer.until(() => tracer.recorded.records.find(({ process }) => process.name === 'curl'))
    const [, full] = await tracer.loaded.counters()
    assert.equal(full, 0)
  })

  test('connections and sockets that listen stand in the gauges, from before the programs were, too', async (context) => {
    const stays = network.spawn('python3', '-c', STAYS, '18083')
    const { pid } = await said(linesOf(stays))
    const open = (of: InKernel) =>
      of.recorded
        .gauge('tcp.connections.open')
        .filter(({ process }) => process.pid === pid)
        .map(
          ({ value, attributes }) =>
            `${value} as ${attributes['tcp.role'] as string} of ${attributes['server.port'] as number}`,
        )
        .toSorted()
    const both = ['1 as client of 18083', '1 as server of 18083']
    await tracer.until(
      () => (open(tracer).length === 2 ? true : undefined),
      () => open(tracer),
    )
    assert.deepEqual(open(tracer), both)
    const listening = (of: InKernel, owner: number) =>
      of.recorded.gauge('tcp.listening').find(({ process }) => process.pid === owner)
    assert.equal(listening(tracer, pid)?.attributes['network.local.port'], 18_083)

    const later = await inKernel(tcp, rung, options)
    if (typeof later === 'string') return context.skip(later)
    try {
      await later.until(
        () => (open(later).length === 2 ? true : undefined),
        () => open(later),
      )
      assert.deepEqual(open(later), both)
      assert.equal(listening(later, server.pid)?.attributes['network.local.port'], PORT)
      stays.stdin?.end()
      await once(stays, 'exit')
      await later.until(
        () => (open(later).length === 0 ? true : undefined),
        () => open(later),
      )
      assert.equal(listening(later, pid), undefined)
    } finally {
      await later.close()
    }
    await tracer.until(
      () => (open(tracer).length === 0 ? true : undefined),
      () => open(tracer),
    )
  })

  test('segments that are lost: a connection that times out, and one that recovers', async () => {
    network.ip('link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far')
    const far = new Network(`far-${rung}`)
    try {
      network.ip('link', 'set', 'far', 'netns', far.name)
      network.ip('addr', 'add', '192.0.2.1/24', 'dev', 'near')
      network.ip('link', 'set', 'near', 'up')
      far.ip('addr', 'add', '192.0.2.2/24', 'dev', 'far')
      far.ip('link', 'set', 'far', 'address', '02:00:00:00:00:02')
      far.ip('link', 'set', 'far', 'up')
      await said(linesOf(far.spawn('python3', '-c', SERVER, '192.0.2.2', '18084', '10')))
      network.ip('neigh', 'replace', '192.0.2.2', 'lladdr', '02:00:00:00:00:02', 'dev', 'near')
      const sends = network.spawn('python3', '-c', SENDS, '192.0.2.2', '18084')
      const heard = linesOf(sends)
      const { pid } = await said(heard)

      // Nobody is addressed by what is sent now.
      far.ip('link', 'set', 'far', 'address', '02:00:00:00:00:03')
      sends.stdin?.write('\n')
      await said(heard)
      const retransmits = () =>
        tracer.recorded.values
          .filter(({ name, process }) => name === 'tcp.retransmits' && process.pid === pid)
          .reduce((sum, { value }) => sum + value, 0)
      await tracer.until(() => (retransmits() > 0 ? true : undefined))
      await network.run('sysctl', '-w', 'net.ipv4.tcp_syn_retries=1')
      const lost = await python(FAILS, '192.0.2.2', 18_084)
      const abandoned = await python(FAILS, '192.0.2.2', 18_084, 0.2)
      far.ip('link', 'set', 'far', 'address', '02:00:00:00:00:02')

      assert.deepEqual([lost.error, abandoned.error], ['ETIMEDOUT', 'own'])
      const failed = (await record(lost.pid, 'client')).attributes ?? {}
      assert.equal(failed['error.type'], 'ETIMEDOUT')
      assert.ok((failed['tcp.retransmits'] as number) > 0)
      assert.equal((await record(abandoned.pid, 'client')).attributes?.['error.type'], 'closed_by_process')

      sends.stdin?.end()
      const own = await said(heard)
      await record(pid, 'client')
      assert.ok(own.retransmits > 0)
      assert.equal(retransmits(), own.retransmits)
    } finally {
      await far.close()
    }
  })
}

function linesOf(child: ChildProcess): AsyncIterator<string> {
  return createInterface({ input: child.stdout ?? assert.fail() })[Symbol.asyncIterator]()
}

async function said(lines: AsyncIterator<string>): Promise<Said> {
  const limit = setTimeout(20_000, undefined, { ref: false })
  const line = await Promise.race([lines.next(), limit])
  assert.ok(line !== undefined && !line.done, 'the program said nothing')
  return JSON.parse(line.value) as Said
}
