import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { Refused, UNKNOWN_ORIGIN } from '../../../src/plugin.ts'
import type { Batch, Exporter, Signal } from '../../../src/plugin.ts'
import { batchOf } from '../../../src/data/batch.ts'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import { count } from '../../../src/data/kernels/count.ts'
import { merge } from '../../../src/data/kernels/merge.ts'
import { fileExporter } from '../../../src/exporters/file/file-exporter.ts'
import { faults } from '../../../src/exporters/file/options.ts'
import type { FileConfig } from '../../../src/exporters/file/options.ts'
import { requests } from '../../data/generate.ts'
import { golden, goldenObject } from '../../data/golden.ts'
import { decode, encode } from '../../data/oracle.ts'
import { TestContext } from '../../component/test-context.ts'

const directories: string[] = []
const started: Exporter[] = []
after(async () => {
  await Promise.all(started.map(async (exporter) => exporter.stop?.(AbortSignal.abort())))
  await Promise.all(directories.map((directory) => rm(directory, { recursive: true })))
})

const ROTATION = { max_megabytes: 1, max_days: 0, max_backups: 100, localtime: false }
const DEFAULTS: FileConfig = {
  path: '',
  format: 'json',
  append: false,
  compression: '',
  flush_interval: 1000,
  create_directory: false,
  directory_permissions: '0755',
}

/** An exporter, started, that writes to a file in a directory of its own. */
async function stage(options: Partial<FileConfig> = {}, before: Record<string, string> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'telegen-file-'))
  directories.push(directory)
  for (const [name, text] of Object.entries(before)) await writeFile(join(directory, name), text)
  const path = join(directory, 'data.json')
  const signals: Signal[] = ['traces', 'metrics', 'logs']
  const context = Object.assign(new TestContext('file', { ...DEFAULTS, path, ...options }), { signals })
  const exporter = fileExporter(context)
  await exporter.start?.()
  started.push(exporter)
  const send = (batch: Batch, abort = new AbortController().signal) =>
    exporter.send(batch, { abort, cancellation: abort, origin: UNKNOWN_ORIGIN })
  const stop = async () => exporter.stop?.(new AbortController().signal)
  const read = async (name = 'data.json') => readFile(join(directory, name))
  return { directory, context, send, stop, read, lines: async () => (await read()).toString().split('\n').slice(0, -1) }
}

const logs = (text: string): Batch<'logs'> =>
  fromObject('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: text } }] }] }] })

const SIGNALS = ['traces', 'metrics', 'logs'] as const
const goldenBatch = (signal: (typeof SIGNALS)[number]) => batchOf(signal, count(signal, golden(signal)), golden(signal))

/** The messages of a file in which each stands behind its length. */
function messages(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32BE(at)
    found.push(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return found
}

describe('file', () => {
  for (const signal of SIGNALS) {
    test(`writes ${signal} as a line of OTLP/JSON, as another implementation reads the same bytes`, async () => {
      const { send, lines } = await stage()
      await send(goldenBatch(signal))
      const [line, ...others] = await lines()
      assert.deepEqual(JSON.parse(line ?? ''), goldenObject(signal))
      assert.deepEqual(others, [])
    })

    test(`writes ${signal} as protobuf behind its length, highest byte first, as the Collector does`, async () => {
      const { send, read } = await stage({ format: 'proto' })
      await send(goldenBatch(signal))
      await send(merge([goldenBatch(signal), goldenBatch(signal)]))
      assert.deepEqual(messages(await read()), [golden(signal), Buffer.concat([golden(signal), golden(signal)])])
    })
  }

  test('writes a line that reads as what the oracle decodes, whatever the request', async () => {
    const { send, lines } = await stage()
    const sent: object[] = []
    await fc.assert(
      fc.asyncProperty(requests('logs'), async (request) => {
        const bytes = encode('logs', request)
        await send(batchOf('logs', 0, bytes))
        sent.push(decode('logs', bytes))
      }),
      { numRuns: 50 },
    )
    const read = (await lines()).map((line) => decode('logs', encode('logs', JSON.parse(line))))
    assert.deepEqual(read, sent)
  })

  test('compresses each message with zstd, behind its length', async () => {
    for (const format of ['json', 'proto']) {
      const { send, read } = await stage({ format, compression: 'zstd' })
      await send(goldenBatch('logs'))
      const [message] = messages(await read())
      const plain = zstdDecompressSync(message as Buffer)
      if (format === 'proto') assert.deepEqual(plain, golden('logs'))
      else assert.deepEqual(JSON.parse(plain.toString()), goldenObject('logs'))
    }
  })

  test('keeps the order of sends that run at the same time', async () => {
    const { send, lines } = await stage()
    const names = Array.from({ length: 50 }, (_, index) => `${index}`)
    await Promise.all(names.map((name) => send(logs(name))))
    const bodies = (await lines()).map(
      (line) => JSON.parse(line).resourceLogs[0].scopeLogs[0].logRecords[0].body.stringValue,
    )
    assert.deepEqual(bodies, names)
  })

  test('begins afresh at each start, unless told to append', async () => {
    const old = { 'data.json': 'old\n' }
    const fresh = await stage({}, old)
    await fresh.send(logs('x'))
    assert.equal((await fresh.lines()).length, 1)
    const kept = await stage({ append: true }, old)
    await kept.send(logs('x'))
    assert.deepEqual((await kept.lines())[0], 'old')
    const rotated = await stage({ rotation: ROTATION }, old)
    await rotated.send(logs('x'))
    assert.deepEqual((await rotated.lines())[0], 'old')
  })

  test('makes directories only where it is told to', async () => {
    const { directory } = await stage()
    const path = join(directory, 'a', 'b', 'data.json')
    await assert.rejects(stage({ path }), { code: 'ENOENT' })
    await stage({ path, create_directory: true })
    assert.ok(existsSync(path))
  })

  test('puts the file aside before a record would make it too large, and names it by the time', async () => {
    const { send, directory, read, context } = await stage({ rotation: ROTATION })
    const large = logs('x'.repeat(600_000))
    await send(large)
    assert.deepEqual(await readdir(directory), ['data.json'])
    await send(large)
    await send(large)
    context.clock.turn(1000)
    await send(large)
    assert.deepEqual((await readdir(directory)).sort(), [
      'data-2023-11-14T22-13-20.000.json',
      'data-2023-11-14T22-13-20.001.json',
      'data-2023-11-14T22-13-21.000.json',
      'data.json',
    ])
    for (const name of await readdir(directory)) assert.equal((await read(name)).toString().split('\n').length, 2)
  })

  test('puts no record into two files, and loses none', async () => {
    const { send, directory, read, stop } = await stage({ rotation: ROTATION })
    const names = Array.from({ length: 40 }, (_, index) => `${index}${'x'.repeat(100_000)}`)
    await Promise.all(names.map((name) => send(logs(name))))
    await stop()
    const files = await Promise.all((await readdir(directory)).map((name) => read(name)))
    assert.ok(files.length > 3)
    assert.ok(files.every((file) => file.length <= 2 ** 20))
    const bodies = files
      .flatMap((file) => file.toString().split('\n').slice(0, -1))
      .map((line) => JSON.parse(line).resourceLogs[0].scopeLogs[0].logRecords[0].body.stringValue)
    assert.deepEqual([bodies.length, new Set(bodies)], [names.length, new Set(names)])
  })

  test('keeps as many of the files put aside as it is told, and none that are too old', async () => {
    const before = {
      'data-2023-11-14T00-00-00.000.json': '',
      'data-2023-11-13T00-00-00.000.json': '',
      'data-2023-11-12T00-00-00.000.json': '',
      'data-2023-11-10T00-00-00.000.json': '',
      'data-of-somebody-else.json': '',
      'data-2023-11-01T00-00-00.000.txt': '',
    }
    const few = await stage({ rotation: { ...ROTATION, max_backups: 1 } }, before)
    assert.deepEqual((await readdir(few.directory)).sort(), [
      'data-2023-11-01T00-00-00.000.txt',
      'data-2023-11-14T00-00-00.000.json',
      'data-of-somebody-else.json',
      'data.json',
    ])
    const young = await stage({ rotation: { ...ROTATION, max_days: 3 } }, before)
    assert.deepEqual((await readdir(young.directory)).filter((name) => name.endsWith('0.json')).sort(), [
      'data-2023-11-12T00-00-00.000.json',
      'data-2023-11-13T00-00-00.000.json',
      'data-2023-11-14T00-00-00.000.json',
    ])
  })

  test(
    'refuses retryably when the disk is full',
    { skip: !existsSync('/dev/full') && 'there is no /dev/full' },
    async () => {
      const { send, stop } = await stage({ path: '/dev/full', append: true })
      await assert.rejects(
        async () => send(logs('x')),
        (error: unknown) =>
          error instanceof Refused &&
          error.retryable &&
          error.code === 'resource_exhausted' &&
          /ENOSPC/.test(error.message),
      )
      await stop()
    },
  )

  test('writes a record whole or not at all, and goes on when there is room again', async (t) => {
    const { directory } = await stage()
    const path = join(directory, 'limited.json')
    // The limit on the size of a file stands in for a full disk: the system takes a part of the write and no more.
    const script = `
      import { batchOf } from ${JSON.stringify(moduleAt('src/data/batch.ts'))}
      import { fromObject } from ${JSON.stringify(moduleAt('src/data/codec/from-object.ts'))}
      import { fileExporter } from ${JSON.stringify(moduleAt('src/exporters/file/file-exporter.ts'))}
      process.on('SIGXFSZ', () => {})
      const config = ${JSON.stringify({ ...DEFAULTS, path, append: true })}
      const exporter = fileExporter({ config, clock: {}, log: {} })
      const send = (length) => exporter.send(fromObject('logs', { resourceLogs: [{ schemaUrl: 'x'.repeat(length) }] }), { abort: new AbortController().signal })
      await exporter.start()
      await send(5000)
      const refused = await send(5000).catch((error) => error)
      await send(1000)
      await exporter.stop()
      console.log(refused.code, refused.retryable)`
    const node = `ulimit -f 8; exec ${JSON.stringify(process.execPath)} --input-type=module -e "$SCRIPT"`
    const { stdout } = await promisify(execFile)('bash', ['-c', node], {
      env: { ...process.env, SCRIPT: script },
    }).catch((error) => {
      if (error.code === 'ENOENT') t.skip('there is no bash')
      throw error
    })
    assert.equal(stdout, 'resource_exhausted true\n')
    const sizes = (await readFile(path, 'utf8'))
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).resourceLogs[0].schemaUrl.length)
    assert.deepEqual(sizes, [5000, 1000])
  })

  test('goes on after a failed write, and does not write what was given up before its turn', async () => {
    const { send, lines } = await stage()
    const abort = new AbortController()
    abort.abort()
    await assert.rejects(
      async () => send(logs('late'), abort.signal),
      (error: unknown) => error instanceof Refused && error.retryable,
    )
    await send(logs('next'))
    assert.equal((await lines()).length, 1)
  })

  test('writes what waits before it stops', async () => {
    const { send, stop, lines } = await stage()
    const sending = [send(logs('a')), send(logs('b'))]
    await stop()
    await Promise.all(sending)
    assert.equal((await lines()).length, 2)
    await assert.rejects(async () => send(logs('c')), /the file has been closed/)
  })

  test('says what is wrong with its options in the words of the Collector', () => {
    const messagesOf = (options: Partial<FileConfig>) =>
      [...faults({ ...DEFAULTS, path: 'x', ...options })].map(({ message }) => message)
    assert.deepEqual(messagesOf({}), [])
    assert.deepEqual(messagesOf({ path: '' }), ['path must be non-empty'])
    assert.deepEqual(messagesOf({ append: true, compression: 'zstd' }), [
      'append and compression enabled at the same time is not supported',
    ])
    assert.deepEqual(messagesOf({ append: true, rotation: ROTATION }), [
      'append and rotation enabled at the same time is not supported',
    ])
    assert.deepEqual(messagesOf({ format: 'xml' }), ['format type is not supported'])
    assert.deepEqual(messagesOf({ compression: 'gzip' }), ['compression is not supported'])
    assert.deepEqual(messagesOf({ group_by: { enabled: true, resource_attribute: 'x', max_open_files: 1 } }), [
      '"group_by" is not built yet: all data goes into one file',
    ])
  })
})

function moduleAt(path: string): string {
  return new URL(`../../../${path}`, import.meta.url).href
}
