import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { MessageListener, MessageSocket } from '../../src/native/addon.ts'
import { loadAddon } from '../../src/native/load-addon.ts'

const loaded = loadAddon()
const PATIENCE = 10_000
const RIVALS = 3
const TURNS = 4

describe('sockets that pass descriptors', { skip: loaded.kind === 'loaded' ? false : loaded.reason }, () => {
  if (loaded.kind !== 'loaded') return
  const { MessageSocket: sockets } = loaded.addon
  const folder = mkdtempSync(join(tmpdir(), 'telegen-socket-'))
  after(() => rmSync(folder, { recursive: true }))
  let paths = 0
  const newPath = (): string => join(folder, `${++paths}.sock`)
  const python = whyNoPython()

  /** Both ends of a connection, and what closes them. */
  async function pair(): Promise<{ client: MessageSocket; server: MessageSocket; end: () => void }> {
    const path = newPath()
    const { promise, resolve } = Promise.withResolvers<MessageSocket>()
    const listener = sockets.listen(path, 0o600, resolve)
    const client = sockets.connect(path)
    const server = await promise
    return {
      client,
      server,
      end() {
        for (const each of [client, server, listener]) each.close()
      },
    }
  }

  test('keep the bounds and the order of messages, up to 256 KiB each', async () => {
    const { client, server, end } = await pair()
    const messages = [Buffer.from('a'), Buffer.alloc(256 * 1024, 7), Buffer.from('bc')]
    for (const message of messages) client.send(message)
    assert.deepEqual(
      (await received(server, 3)).map(({ message }) => message),
      messages,
    )
    assert.throws(() => client.send(Buffer.alloc(256 * 1024 + 1)), { code: 'EMSGSIZE' })
    assert.throws(() => client.send(Buffer.alloc(0)), { code: 'EINVAL' })
    end()
  })

  test('pass descriptors both ways, which are closed on exec and belong to who receives them', async () => {
    const { client, server, end } = await pair()
    const path = join(folder, 'passed')
    writeFileSync(path, 'text')
    const own = openSync(path, 'r')
    client.send(Buffer.from('there'), [own, own])
    const [{ descriptors }] = (await received(server, 1)) as [Received]
    assert.equal(descriptors.length, 2)
    assert.deepEqual(
      descriptors.map((each) => fstatSync(each).ino),
      [statSync(path).ino, statSync(path).ino],
    )
    assert.match(readFileSync(`/proc/self/fdinfo/${descriptors[0]}`, 'utf8'), /flags:\s*0?2[0-7]{6}/)
    server.send(Buffer.from('back'), descriptors.slice(0, 1))
    const [back] = (await received(client, 1)) as [Received]
    const text = Buffer.alloc(4)
    readSync(back.descriptors[0]!, text)
    assert.equal(text.toString(), 'text')
    for (const each of [own, ...descriptors, ...back.descriptors]) closeSync(each)
    assert.throws(
      () =>
        client.send(
          Buffer.from('x'),
          Array.from({ length: 33 }, () => 1),
        ),
      TypeError,
    )
    assert.throws(() => client.send(Buffer.from('x'), [own]), { code: 'EBADF' })
    end()
  })

  test('close what came, and the connection, when more descriptors come than are taken', { skip: python }, async () => {
    const path = newPath()
    const { promise, resolve } = Promise.withResolvers<Error | undefined>()
    const messages: Buffer[] = []
    const listener = sockets.listen(path, 0o600, (socket) => {
      socket.onClose(resolve)
      socket.onMessage((message) => messages.push(message))
    })
    const before = readdirSync('/proc/self/fd').length
    const script = `import socket,array,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET); s.connect(sys.argv[1])
s.sendmsg([b'x'],[(socket.SOL_SOCKET,socket.SCM_RIGHTS,array.array('i',[1]*40))]); s.recv(1)`
    const child = execFile('python3', ['-c', script, path])
    const reason = await within(promise)
    assert.equal((reason as NodeJS.ErrnoException).code, 'EMFILE')
    assert.deepEqual(messages, [])
    await within(new Promise((ended) => child.once('exit', ended)))
    await eventually(() => readdirSync('/proc/self/fd').length <= before)
    listener.close()
  })

  test('tell of the end once, after everything that was sent before it, also where the other side had not read all', async () => {
    const { client, server, end } = await pair()
    server.send(Buffer.from('unread'))
    for (let count = 0; count < 100; count++) client.send(Buffer.from([count]))
    client.close()
    let closed = 0
    const messages: Buffer[] = []
    server.onMessage((message) => messages.push(message))
    await within(new Promise<void>((resolve) => server.onClose(() => resolve(void closed++))))
    assert.deepEqual([messages.length, closed], [100, 1])
    assert.throws(() => server.send(Buffer.from('x')), { code: 'EPIPE' })
    end()
  })

  test('know who is on the other side', async () => {
    const { client, server, end } = await pair()
    const own = { pid: process.pid, uid: process.getuid!(), gid: process.getgid!() }
    assert.deepEqual([client.peer, server.peer], [own, own])
    end()
  })

  test('never wait for a slow reader: they keep a bounded amount, with its descriptors, and then refuse', async () => {
    const { client, server, end } = await pair()
    const file = openSync('/dev/null', 'r')
    const message = Buffer.alloc(128 * 1024)
    let sent = 0
    const began = performance.now()
    assert.throws(
      () => {
        for (; sent < 1000; sent++) {
          message.writeUInt32LE(sent)
          client.send(message, sent % 8 === 7 ? [file] : [])
        }
      },
      { code: 'ENOBUFS' },
    )
    closeSync(file)
    assert.ok(sent > 60 && sent < 100, String(sent))
    assert.ok(performance.now() - began < 2000)
    const all = await received(server, sent)
    assert.deepEqual(
      all.map((each) => each.message.readUInt32LE()),
      Array.from({ length: sent }, (_, index) => index),
    )
    assert.ok(all.every(({ descriptors }, index) => descriptors.length === (index % 8 === 7 ? 1 : 0)))
    for (const { descriptors } of all) for (const each of descriptors) closeSync(each)
    end()
  })

  test('listen with just these permissions, at a path that nobody listens at any more, and nowhere else', async () => {
    const path = newPath()
    const listener = sockets.listen(path, 0o640, () => {})
    assert.equal(statSync(path).mode & 0o777, 0o640)
    assert.throws(() => sockets.listen(path, 0o600, () => {}), { code: 'EADDRINUSE' })
    listener.close()
    assert.ok(!existsSync(path))
    assert.throws(() => sockets.connect(path), { code: 'ENOENT', step: 'connect' })
    writeFileSync(path, 'a file')
    assert.throws(() => sockets.listen(path, 0o600, () => {}), { code: 'EADDRINUSE' })
    assert.equal(readFileSync(path, 'utf8'), 'a file')
    assert.throws(() => sockets.listen(join(folder, 'x'.repeat(120)), 0o600, () => {}), { code: 'ENAMETOOLONG' })
  })

  test('take over the path of a process that was killed', { skip: python }, () => {
    const path = newPath()
    execFileSync('python3', [
      '-c',
      `import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET); s.bind(sys.argv[1]); s.listen()`,
      path,
    ])
    assert.ok(existsSync(path))
    sockets.listen(path, 0o600, () => {}).close()
  })

  test('are made, and end, while nobody else has the folder locked', { skip: python }, async () => {
    const path = newPath()
    const source =
      'import fcntl,os,sys\nfcntl.flock(os.open(sys.argv[1],os.O_RDONLY),fcntl.LOCK_EX)\nprint(1,flush=True);sys.stdin.read()'
    const holder = spawn('python3', ['-c', source, folder], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(holder.stdout, 'data')
    assert.throws(() => sockets.listen(path, 0o600, () => {}), { code: 'EAGAIN', step: 'lock' })
    assert.ok(!existsSync(path))
    const exited = once(holder, 'exit')
    holder.stdin.end()
    await exited
    sockets.listen(path, 0o600, () => {}).close()
  })

  test('are of one process, of several that take over a path at once', { skip: python }, async () => {
    const source = `const { MessageSocket } = require(${JSON.stringify(join(loaded.folder, 'telegen.node'))})
      process.stdin.once('data', (path) => {
        try { MessageSocket.listen(String(path), 0o600, (socket) => { try { socket.send(Buffer.from(String(process.pid))) } catch {} }); console.log('listens') }
        catch (error) { console.log(error.code) }
      })
      console.log('ready')`
    for (let turn = 0; turn < TURNS; turn++) {
      const path = newPath()
      execFileSync('python3', ['-c', 'import socket,sys;socket.socket(1,5).bind(sys.argv[1])', path])
      const rivals = Array.from({ length: RIVALS }, () => spawn(process.execPath, ['-e', source]))
      const said = (): Promise<string[]> =>
        Promise.all(rivals.map(async ({ stdout }) => String((await once(stdout, 'data'))[0]).trim()))
      await said()
      const outcomes = said()
      for (const rival of rivals) rival.stdin.write(path)
      const listening = (await outcomes).map((outcome) => outcome === 'listens')
      assert.equal(listening.filter(Boolean).length, 1)
      const client = sockets.connect(path)
      const [answer] = await received(client, 1)
      assert.equal(Number(answer?.message.toString()), rivals[listening.indexOf(true)]?.pid)
      client.close()
      const exits = rivals.map((rival) => once(rival, 'exit'))
      for (const rival of rivals) rival.kill('SIGKILL')
      await Promise.all(exits)
    }
  })

  test('end with the worker thread that has them', async () => {
    const path = newPath()
    const { promise, resolve } = Promise.withResolvers<MessageSocket>()
    const listener: MessageListener = sockets.listen(path, 0o600, resolve)
    const source = `const { MessageSocket } = require(${JSON.stringify(join(loaded.folder, 'telegen.node'))})
      const socket = MessageSocket.connect(${JSON.stringify(path)}); socket.onMessage(() => {}); socket.send(Buffer.from('here'))`
    const worker = new Worker(source, { eval: true })
    const server = await within(promise)
    const gone = new Promise<void>((ended) => server.onClose(() => ended()))
    await received(server, 1)
    await worker.terminate()
    await within(gone)
    listener.close()
  })
})

interface Received {
  readonly message: Buffer
  readonly descriptors: readonly number[]
}

function received(socket: MessageSocket, count: number): Promise<Received[]> {
  const all: Received[] = []
  return within(
    new Promise((resolve) => {
      socket.onMessage((message, descriptors) => {
        all.push({ message, descriptors })
        if (all.length === count) resolve(all)
      })
    }),
  )
}

function within<Value>(promise: Promise<Value>): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('it took too long')), PATIENCE)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

async function eventually(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + PATIENCE; !holds();) {
    assert.ok(performance.now() < end, 'it took too long')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function whyNoPython(): string | false {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'python3 is not installed'
  }
}
