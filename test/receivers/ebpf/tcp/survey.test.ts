import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Connections } from '../../../../src/receivers/ebpf/tracers/tcp/connections.ts'
import { parseSockets, ProcSockets } from '../../../../src/receivers/ebpf/tracers/tcp/proc-sockets.ts'
import { Survey } from '../../../../src/receivers/ebpf/tracers/tcp/survey.ts'
import { recordingContext } from '../dns/recording-context.ts'

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const line = (local: string, remote: string, state: string, inode: number) =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`

const LISTENS = line('00000000:1F90', '00000000:0000', '0A', 11)
const SERVES = line('0100007F:1F90', '0100007F:C350', '01', 12)
const ASKS = line('0100007F:C350', '0100007F:1F90', '01', 13)
const WAITS = line('0100007F:C351', '0100007F:1F90', '06', 0)

/** A `/proc` with processes 100 (has sockets 11 and 12) and 200 (has 13) in the namespace 77. */
function proc(context: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'telegen-proc-'))
  context.after(() => rmSync(root, { recursive: true }))
  for (const [pid, inodes] of [
    [100, [11, 12]],
    [200, [13]],
  ] as const) {
    for (const folder of ['ns', 'fd', 'net']) mkdirSync(join(root, `${pid}/${folder}`), { recursive: true })
    symlinkSync('net:[77]', join(root, `${pid}/ns/net`))
    for (const [index, inode] of inodes.entries()) symlinkSync(`socket:[${inode}]`, join(root, `${pid}/fd/${index}`))
  }
  const write = (...lines: readonly string[]) => {
    for (const pid of [100, 200]) writeFileSync(join(root, `${pid}/net/tcp`), HEAD + lines.join(''))
  }
  write(LISTENS, SERVES, ASKS, WAITS)
  return { root, write }
}

function surveyed(root: string) {
  const recorded = recordingContext()
  const connections = new Connections()
  return { ...recorded, connections, survey: new Survey(recorded.context, connections, new ProcSockets(root)) }
}

const facts = (connections: Connections) =>
  Array.from(connections.open, ({ process, isServer, remotePort }) => [process.pid, isServer, remotePort])

test('a survey finds whose connections and listening sockets there are already', async (context) => {
  const { root } = proc(context)
  const { connections, survey } = surveyed(root)
  await survey.run(1)
  assert.deepEqual(facts(connections), [
    [100, true, 50_000],
    [200, false, 8080],
  ])
  assert.deepEqual(
    Array.from(connections.listening, ({ process, localPort, sockets }) => [process.pid, localPort, sockets]),
    [[100, 8080, 1]],
  )
  await survey.run(2)
  assert.equal(facts(connections).length, 2)
})

test('a survey takes out what is not there any more, but not what began after it did', async (context) => {
  const { root, write } = proc(context)
  const { connections, survey, noted } = surveyed(root)
  await survey.run(10)
  const [known = assert.fail()] = connections.open
  connections.add({ ...known, remotePort: 1, since: 25 })
  write(ASKS)
  await survey.run(20)
  assert.deepEqual(facts(connections), [
    [200, false, 8080],
    [100, true, 1],
  ])
  assert.equal(noted.get('connection_missed_closing'), 1)
  assert.deepEqual([...connections.listening], [])
})

test('a connection that is closed while a survey reads is not found by it', async (context) => {
  const { root } = proc(context)
  const { connections, survey } = surveyed(root)
  const running = survey.run(1)
  const ends = { network: 77, localAddress: '\u007f\0\0\u0001', remoteAddress: '\u007f\0\0\u0001' }
  survey.closed({ ...ends, localPort: 50_000, remotePort: 8080 })
  await running
  assert.deepEqual(facts(connections), [[100, true, 50_000]])
})

test('a namespace that cannot be read changes nothing', async (context) => {
  const { root } = proc(context)
  const { connections, survey } = surveyed(root)
  await survey.run(1)
  for (const pid of [100, 200]) rmSync(join(root, `${pid}/net/tcp`))
  await survey.run(2)
  assert.equal(facts(connections).length, 2)
})

test('addresses of both versions are read as bytes', () => {
  const version6 = line('00000000000000000000000001000000:1F90', 'B80D0120000000000000000001000000:0050', '01', 5)
  const mapped = line('0000000000000000FFFF00000100007F:1F90', '0000000000000000FFFF00000200007F:0050', '08', 6)
  const [one, other] = parseSockets(HEAD + version6 + mapped, true)
  assert.equal(Buffer.from(one?.localAddress ?? '', 'latin1').toString('hex'), '00000000000000000000000000000001')
  assert.equal(Buffer.from(one?.remoteAddress ?? '', 'latin1').toString('hex'), '20010db8000000000000000000000001')
  assert.deepEqual([one?.localPort, one?.remotePort, one?.state, one?.inode], [8080, 80, 1, 5])
  assert.equal(other?.remoteAddress, '\u007f\0\0\u0002')
})
