import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import type { MessageSocket } from '../../../src/native/addon.ts'
import { loadAddon } from '../../../src/native/load-addon.ts'
import type { KernelLoader, LoadedTracer, TracerRequest } from '../../../src/native/loader.ts'
import { Denied, probePlace, tracerRequest } from '../../../src/native/separated/checked.ts'
import { noStatistics } from '../../../src/native/separated/counted-statistics.ts'
import { Answers, CALLS } from '../../../src/native/separated/protocol.ts'
import { separatedLoader } from '../../../src/native/separated/separated-loader.ts'
import { serve } from '../../../src/native/separated/serve.ts'
import { shippedObjects } from '../../../src/native/separated/shipped.ts'

const PATIENCE = 10_000
const SHIPPED = new Set(['exec/tp_btf', 'socket/tp_btf'])
const RUNG = { name: 'tp_btf', needs: ['ringbuf'], object: 'exec/tp_btf' }
const REQUEST = { tracer: 'exec', rungs: [RUNG], constants: { forks: 'AQ==' }, mapSizes: { starts: 1024 } }

describe('a request for a tracer', () => {
  const rung = (with_: object): object => ({ ...REQUEST, rungs: [{ ...RUNG, ...with_ }] })

  test('is made anew of what was understood', () => {
    const root = { kind: 'root cgroup', path: '/etc' }
    const asked = rung({ attach: { on_packet: root }, optional: { a: 'b' }, parameters: { c: 'tcp_recvmsg' }, more: 1 })
    assert.deepEqual(tracerRequest({ ...asked, folder: '/tmp' }, SHIPPED), {
      ...REQUEST,
      constants: { forks: Uint8Array.of(1) },
      rungs: [
        {
          ...RUNG,
          attach: { on_packet: { kind: 'root cgroup' } },
          optional: { a: 'b' },
          parameters: { c: 'tcp_recvmsg' },
        },
      ],
    })
  })

  const denied: readonly (readonly [what: string, asked: unknown])[] = [
    ['an object that is not shipped', rung({ object: 'other' })],
    ['a path', rung({ object: '../../../../tmp/mine' })],
    ['a path that leads back', rung({ object: 'exec/../exec/tp_btf' })],
    ['an object that is no text', rung({ object: ['exec/tp_btf'] })],
    ['a name of every object', rung({ object: 'constructor' })],
    ['a uprobe', rung({ attach: { a: { kind: 'uprobe', path: '/bin/sh', offset: 1, pid: 1, returns: false } } })],
    ['an interface', rung({ attach: { a: { kind: 'xdp', interface: 1, mode: 'generic' } } })],
    ['another cgroup', rung({ attach: { a: { kind: 'cgroup', path: '/sys/fs/cgroup/system.slice' } } })],
    ['a type of program that there is not', rung({ needs: ['all'] })],
    ['a name that a terminal obeys', { ...REQUEST, tracer: '\u001b[2J' }],
    ['a kernel function that is none', rung({ parameters: { a: '../x' } })],
    ['a map without end', { ...REQUEST, mapSizes: { starts: 2 ** 32 } }],
    ['a map of less than nothing', { ...REQUEST, mapSizes: { starts: -1 } }],
    ['a constant that is too large', { ...REQUEST, constants: { forks: 'A'.repeat(8192) } }],
    ['a constant that is no bytes', { ...REQUEST, constants: { forks: '***' } }],
    ['too many rungs', { ...REQUEST, rungs: Array.from({ length: 9 }, () => RUNG) }],
    [
      'too many constants',
      { ...REQUEST, constants: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`c${n}`, 'AQ=='])) },
    ],
    ['nothing', null],
    ['a list', []],
  ]
  for (const [what, asked] of denied)
    test(`is denied where it is for ${what}`, () => assert.throws(() => tracerRequest(asked, SHIPPED), Denied))

  test('is denied or sound, whatever is in it', () => {
    const value = fc.anything({ maxDepth: 3 })
    const key = fc.constantFrom('tracer', 'rungs', 'constants', 'mapSizes')
    fc.assert(
      fc.property(
        fc.array(fc.tuple(key, value), { maxLength: 3 }),
        fc.dictionary(fc.string(), value),
        (outer, inner) => {
          const asked = { ...rung(inner), ...Object.fromEntries(outer) }
          try {
            const { rungs } = tracerRequest(asked, SHIPPED)
            assert.ok(rungs.every(({ object }) => SHIPPED.has(object)))
          } catch (error) {
            if (!(error instanceof Denied)) throw error
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('a place for a probe', () => {
  const PLACE = { kind: 'uprobe', pid: 7, path: '/bin/app', symbols: ['main'], offsets: [], returns: false }

  test('is made anew of what was understood', () => {
    assert.deepEqual(probePlace({ ...PLACE, root: '/', cookie: 1 }), PLACE)
    const { symbols: _, ...offsets } = { ...PLACE, kind: 'uprobe_multi', offsets: [1, 2] }
    assert.deepEqual(probePlace(offsets), { ...offsets, symbols: [] })
  })

  const denied: readonly (readonly [what: string, with_: object])[] = [
    ['a kind that there is not', { kind: 'kprobe' }],
    ['all processes', { pid: -1 }],
    ['the process that asks', { pid: 0 }],
    ['half a process', { pid: 1.5 }],
    ['a process by its name', { pid: 'self' }],
    ['a relative path', { path: 'bin/app' }],
    ['a path that ends early', { path: '/bin/app\0/more' }],
    ['a path without end', { path: '/'.padEnd(4096, 'a') }],
    ['no function', { symbols: [] }],
    ['two functions of one uprobe', { offsets: [1] }],
    ['too many functions', { kind: 'uprobe_multi', symbols: Array.from({ length: 257 }, () => 'main') }],
    ['too many of both', { kind: 'uprobe_multi', offsets: Array.from({ length: 256 }, (_, at) => at) }],
    ['a negative offset', { symbols: [], offsets: [-1] }],
    ['an offset beyond all files', { symbols: [], offsets: [2 ** 40] }],
    ['a function that is no text', { symbols: [{}] }],
    ['a function without end', { symbols: ['m'.repeat(2000)] }],
    ['neither call nor return', { returns: 1 }],
  ]
  for (const [what, with_] of denied)
    test(`is denied where it is ${what}`, () => assert.throws(() => probePlace({ ...PLACE, ...with_ }), Denied))
})

const native = loadAddon()

describe('the loader', { skip: native.kind === 'loaded' ? false : native.reason }, () => {
  if (native.kind !== 'loaded') return
  const { addon } = native
  const folder = mkdtempSync(join(tmpdir(), 'telegen-hostile-'))
  const path = join(folder, 'loader.sock')
  const asked: TracerRequest[] = []
  const written: string[] = []
  let closed = 0
  let ownPids: readonly number[] = []
  const serving = serve({
    addon,
    folder: native.folder,
    path,
    mode: 0o600,
    greetingMs: 1_000,
    log: { info() {}, debug() {}, warn() {} },
    statisticsKeeper: noStatistics,
    loaderFor(pids) {
      ownPids = pids
      return fakeLoader(asked, written, () => closed++)
    },
  })
  after(async () => {
    await serving.close()
    rmSync(folder, { recursive: true })
  })
  const shipped = [...shippedObjects(native.folder)]

  /** Greets, sends, and resolves to the answers until there are so many or the loader ends it. */
  async function conversation(messages: readonly Buffer[], answers: number, greets = true): Promise<unknown[]> {
    const before = closed
    const socket: MessageSocket = addon.MessageSocket.connect(path)
    const heard: unknown[] = []
    const whole = new Answers()
    const { promise, resolve } = Promise.withResolvers<void>()
    socket.onClose(() => resolve())
    socket.onMessage((message) => {
      const answer = whole.take(message)
      if (answer !== undefined) heard.push(answer)
      if (heard.length === answers + 1) resolve()
    })
    try {
      if (greets) socket.send(Buffer.from('{"telegen":1}'))
      for (const message of messages) socket.send(message)
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EPIPE')
    }
    await within(promise)
    socket.close()
    await eventually(() => closed > before)
    return heard
  }
  const json = (message: object): Buffer => Buffer.from(JSON.stringify(message))

  test('takes no descriptors of an agent: whoever passes some is sent away, and they are closed', async () => {
    const descriptors = (): number => readdirSync('/proc/self/fd').length
    const own = openSync('/dev/null', 'r')
    const before = descriptors()
    for (let round = 0; round < 3; round++) {
      const already = closed
      const socket = addon.MessageSocket.connect(path)
      const { promise, resolve } = Promise.withResolvers<void>()
      socket.onClose(() => resolve())
      socket.onMessage(() => assert.fail('it was answered'))
      socket.send(
        Buffer.from('{"telegen":1}'),
        Array.from({ length: 32 }, () => own),
      )
      await within(promise)
      await eventually(() => closed > already)
    }
    await eventually(() => descriptors() === before)
    closeSync(own)
  })

  test('sends away who says nothing: another agent of the user would wait for it', async () => {
    const before = closed
    const silent = addon.MessageSocket.connect(path)
    const { promise, resolve } = Promise.withResolvers<void>()
    silent.onClose(() => resolve())
    silent.onMessage(() => assert.fail('it was answered'))
    await within(promise)
    await eventually(() => closed > before)
  })

  test('answers requests in order, and loads what is shipped', async () => {
    const request = { ...REQUEST, rungs: [{ ...RUNG, object: shipped[0] ?? 'none' }] }
    const answers = await conversation(
      [json({ id: 1, call: 'load', request }), json({ id: 2, call: 'counters', tracer: 1 })],
      2,
    )
    if (shipped.length === 0) return
    assert.deepEqual(answers, [
      { telegen: 1 },
      { id: 1, result: { tracer: 1, rung: 'tp_btf', passedOver: [] } },
      { id: 2, result: [1, 2] },
    ])
    assert.deepEqual(ownPids, [process.pid, process.pid])
  })

  test('writes to the maps of agents alone, and to tracers that there are', async () => {
    const request = { ...REQUEST, rungs: [{ ...RUNG, object: shipped[0] ?? 'none' }] }
    const update = { call: 'update', tracer: 1, key: 'AQAAAA==', value: 'AQ==' }
    const answers = await conversation(
      [
        json({ id: 1, call: 'load', request }),
        json({ id: 2, ...update, map: 'starts' }),
        json({ id: 3, ...update, map: 'verdicts', tracer: 9 }),
        json({ id: 4, ...update, map: 'verdicts', tracer: '__proto__' }),
        json({ id: 5, ...update, map: 'verdicts' }),
      ],
      5,
    )
    assert.deepEqual(
      answers.slice(2).map((answer) => 'failed' in (answer as object)),
      [true, true, true, false],
    )
    assert.deepEqual(written, ['verdicts'])
  })

  test('sends away who does not greet, speaks another version, or is no agent', async () => {
    assert.deepEqual(
      await conversation([json({ id: 1, call: 'ring', bytes: 4096 })], 5, false).then((all) => all.length),
      1,
    )
    for (const message of ['', '{', '[]', '{"id":0}', '{"id":1e99}', '\u0000'.repeat(100), '['.repeat(200_000)].filter(
      (text) => text !== '',
    ))
      assert.deepEqual(await conversation([Buffer.from(message)], 5), [{ telegen: 1 }], message.slice(0, 20))
  })

  test('sends away who asks for what it may not have again and again, and who does not wait for answers', async () => {
    const denied = Array.from({ length: 200 }, (_, id) => json({ id: id + 1, call: 'ring', bytes: -1 }))
    assert.ok((await conversation(denied, 1000)).length < 40)
    const flood = Array.from({ length: 1000 }, (_, id) => json({ id: id + 1, call: 'capabilities' }))
    assert.deepEqual(await conversation(flood, 2000), [{ telegen: 1 }])
  })

  test('outlives whatever is sent to it, and loads nothing that is not shipped', async () => {
    const before = asked.length
    const call = fc.constantFrom(...CALLS, 'nothing')
    const odd = fc.anything({ maxDepth: 2 })
    const message = fc.oneof(
      fc.record({
        id: fc.nat(9),
        call,
        tracer: odd,
        map: odd,
        key: odd,
        value: odd,
        bytes: odd,
        limit: odd,
        remove: odd,
        program: odd,
        place: odd,
        handle: odd,
        request: odd,
      }),
      fc.record({
        id: fc.nat(9),
        call: fc.constant('load'),
        request: fc.record({ tracer: fc.constant('a'), rungs: odd, constants: odd, mapSizes: odd }),
      }),
    )
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 64 }).map((array) => Buffer.from(array)),
      message.map((value) => Buffer.from(text(value))),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 6 }), async (messages) => {
        // The last is sound nonsense, so that there is an end to wait for.
        await conversation([...messages, Buffer.from('no JSON')], 1000)
      }),
      { numRuns: 60 },
    )
    assert.ok(asked.slice(before).every(({ rungs }) => rungs.every(({ object }) => shipped.includes(object))))
  })

  test('serves the next as if nothing had been', async () => {
    const loader = separatedLoader({ addon, socket: path })
    const tracer = await loader.load({ tracer: 'exec', rungs: [], constants: { a: Uint8Array.of(1, 2) }, mapSizes: {} })
    assert.deepEqual(asked.at(-1)?.constants, { a: Uint8Array.of(1, 2) })
    const { count, keys, values } = await tracer.read('starts', 10, true)
    assert.deepEqual([count, keys.length, values.length, values.every((byte) => byte === 7)], [1, 4, 1_000_000, true])
    await assert.rejects(
      tracer.update('starts', Uint8Array.of(1), Uint8Array.of(1)),
      /not a map that an agent may write to/,
    )
    await tracer.close()
    await tracer.close()
    const before = closed
    await loader.close()
    await assert.rejects(tracer.counters(), /closed/)
    await assert.rejects(loader.ring(4096), /closed/)
    await eventually(() => closed > before)
  })
})

test('a loader that is nowhere is said to be', { skip: native.kind === 'loaded' ? false : native.reason }, async () => {
  if (native.kind !== 'loaded') return
  const loader = separatedLoader({ addon: native.addon, socket: '/nonexistent/loader.sock' })
  await assert.rejects(loader.ring(4096), {
    name: 'Unavailable',
    message: /does not answer at \/nonexistent\/loader.sock/,
  })
  await loader.close()
})

function fakeLoader(asked: TracerRequest[], written: string[], closed: () => void): KernelLoader {
  const tracer: LoadedTracer = {
    rung: 'tp_btf',
    passedOver: [],
    counters: async () => [1, 2],
    programs: async () => [],
    update: async (map) => void written.push(map),
    delete: async () => {},
    attach: async () => 1,
    detach: async () => {},
    read: async () => ({ count: 1, keys: Buffer.alloc(4), values: Buffer.alloc(1_000_000, 7) }),
    close: async () => {},
  }
  return {
    // Takes its time.
    capabilities: () => new Promise(() => {}),
    ring: () => Promise.reject(new Error('not here')),
    load: async (request) => {
      asked.push(request)
      return tracer
    },
    enableStatistics: async () => {},
    onLost() {},
    close: async () => closed(),
  }
}

/** JSON of values that JSON has no words for. */
const text = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'bigint' || typeof each === 'symbol' ? String(each) : each,
  )

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
