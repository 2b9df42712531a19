import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refused } from '../../../src/component/refused.ts'
import { systemFiles } from '../../../src/extensions/file_storage/files.ts'
import type { Files } from '../../../src/extensions/file_storage/files.ts'
import { bareQueue, FOLDER } from './bare-queue.ts'
import { failure, MemoryFiles } from './memory-files.ts'
import type { Operation } from './memory-files.ts'
import { drain, opened, put, room, take, temporaryFolder } from './stage.ts'

const failing =
  (code: string, ...on: readonly Operation[]) =>
  (operation: Operation) =>
    on.includes(operation) ? failure(code) : undefined

describe('a disk that fails', () => {
  for (const [code, words] of [
    ['ENOSPC', /^the disk of \/storage is full: appending a record: ENOSPC/],
    ['EDQUOT', /is full/],
    ['EFBIG', /is full/],
    ['EIO', /^the storage in \/storage cannot be written to: appending a record: EIO/],
    ['EROFS', /cannot be written to/],
  ] as const)
    test(`with ${code} refuses, goes on delivering, and takes data again by itself`, async () => {
      const files = new MemoryFiles()
      const { queue, clock, context } = await bareQueue(files)
      await put(queue, 'before')
      files.fault = failing(code, 'write', 'make')
      const refused = await put(queue, 'during').catch((error: unknown) => error)
      assert.ok(refused instanceof Refused)
      assert.match(refused.message, words)
      assert.ok(refused.retryable)
      assert.equal(queue.full(1)?.message, refused.message)
      await assert.rejects(put(queue, 'too'), ({ message }: Error) => words.test(message))
      assert.equal(context.reports.length, 1)
      assert.match(context.reports[0] as string, /^recoverable: /)
      assert.deepEqual(await drain(queue), ['before'])
      await clock.advance(10_000)
      assert.ok(queue.full(1), 'it is still so')
      let told = 0
      queue.onRoom(() => told++)
      files.fault = () => undefined
      await clock.advance(2_000)
      assert.equal(queue.full(1), undefined)
      assert.ok(told > 0)
      assert.equal(context.reports.at(-1), 'ok')
      await put(queue, 'after')
      await queue.close()
      assert.deepEqual(await drain((await bareQueue(files)).queue), ['after'])
      assert.equal(context.lines.filter((line) => line.startsWith('error')).length, 1)
    })

  test('in fsync is not believed about what it had, nor written to in the same file', async () => {
    const files = new MemoryFiles()
    const { queue, clock } = await bareQueue(files)
    await put(queue, 'before')
    files.fault = failing('EIO', 'sync')
    await assert.rejects(put(queue, 'suspect'), /EIO/)
    files.fault = () => undefined
    await clock.advance(2_000)
    await put(queue, 'after')
    const names = [...(files.folders.get(FOLDER)?.now.keys() ?? [])].filter((name) => name.endsWith('.segment'))
    assert.equal(names.length, 2)
    const { queue: left } = await bareQueue(files.after(() => 0))
    assert.deepEqual(await drain(left), ['before', 'after'])
  })

  test('deletes what is delivered while it is full', async () => {
    const files = new MemoryFiles()
    const { queue, clock, disk } = await bareQueue(files)
    for (let index = 0; index < 8; index++) await put(queue, 'x'.repeat(150))
    files.fault = failing('ENOSPC', 'make', 'write')
    await assert.rejects(put(queue, 'y'))
    const before = disk.used
    await drain(queue)
    await clock.advance(1_000)
    assert.ok(disk.used < before / 2, `${disk.used} of ${before} bytes`)
  })

  test('does not keep a queue from starting', async () => {
    const files = new MemoryFiles()
    const first = await bareQueue(files)
    await put(first.queue, 'one')
    await first.queue.close()
    files.fault = failing('ENOSPC', 'make', 'write')
    const { queue, context } = await bareQueue(files)
    assert.deepEqual(await drain(queue), ['one'])
    assert.equal(context.reports[0], undefined, 'its checkpoints are there already')
    await assert.rejects(put(queue, 'two'), /is full/)
  })

  test('that cannot be read is asked again, some times, and then costs what cannot be read', async () => {
    const files = new MemoryFiles()
    const first = await bareQueue(files)
    for (const text of ['one', 'two']) await put(first.queue, text)
    await first.queue.close()
    const { queue, lost } = await bareQueue(files)
    files.fault = failing('EIO', 'read')
    for (let time = 0; time < 3; time++)
      await assert.rejects(take(queue), (error) => error instanceof Refused && error.retryable)
    files.fault = () => undefined
    assert.equal((await take(queue))?.text, 'one')
    await first.queue.close()
    const other = await bareQueue(files)
    files.fault = failing('EIO', 'read')
    for (let time = 0; time < 4; time++) await assert.rejects(take(other.queue))
    assert.equal(await take(other.queue), undefined)
    assert.deepEqual(other.lost, [{ reason: 'read_error', records: 2, items: 2 }])
    assert.deepEqual(lost, [])
  })
})

test('a page that the disk cannot read costs the records in it, at the start and after', async () => {
  const files = new MemoryFiles()
  const first = await bareQueue(files, { segmentBytes: 100_000 })
  const texts = Array.from({ length: 60 }, (_, index) => `${index}:${'x'.repeat(400)}`)
  for (const text of texts) await put(first.queue, text)
  first.queue.settle((await take(first.queue))?.key as number)
  await first.queue.close()
  files.fault = (operation, _, range) =>
    operation === 'read' && range && range[0] < 12_288 && range[1] > 8_192 ? failure('EIO') : undefined
  const { queue, lost } = await bareQueue(files)
  assert.equal(queue.records, 59)
  const found: string[] = []
  for (let refusals = 0; queue.unread > 0 && refusals < 60;) {
    const record = await take(queue).catch(() => undefined)
    if (record) found.push(record.text)
    else refusals++
  }
  const missing = texts
    .slice(1)
    .filter((text) => !found.includes(text))
    .map((text) => Number(text.split(':')[0]))
  // 436 bytes each: the page from 8,192 on has parts of 18 to 28.
  assert.ok(missing.length <= 12 && missing.every((index) => index >= 18 && index <= 28), missing.join(' '))
  assert.equal(
    lost.reduce((sum, { records }) => sum + records, 0),
    missing.length,
  )
  assert.deepEqual(new Set(lost.map(({ reason }) => reason)), new Set(['read_error']))
})

describe('a process without descriptors', () => {
  test('still opens the next segment, with the one that it has kept', async () => {
    let short = false
    let denied = 0
    const files: Files = {
      ...systemFiles,
      open: async (path, flags) => {
        // One is given back by whoever lets the spare go.
        if (short && denied++ === 0) throw failure('EMFILE')
        return systemFiles.open(path, flags)
      },
    }
    const { queue: open, stop } = await opened(temporaryFolder(), { files })
    const queue = await open()
    await put(queue, 'x'.repeat(60_000))
    short = true
    await put(queue, 'y'.repeat(60_000))
    assert.ok(denied > 1)
    assert.equal((await drain(queue)).length, 2)
    await stop()
  })
})

describe('a slow fsync', () => {
  /** Files whose fsync takes as long as the test wants. */
  function slowFiles() {
    const waiting: (() => void)[] = []
    const files: Files = {
      ...systemFiles,
      open: async (path, flags) => {
        const file = await systemFiles.open(path, flags)
        if (!path.endsWith('.segment')) return file
        return new Proxy(file, {
          get: (target, name) => {
            if (name === 'datasync') return () => new Promise<void>((resolve) => waiting.push(resolve))
            const member: unknown = Reflect.get(target, name)
            return typeof member === 'function' ? member.bind(target) : member
          },
        })
      },
    }
    return { files, waiting }
  }

  test('leaves the event loop free, and what comes meanwhile goes to the disk together', async () => {
    const { files, waiting } = slowFiles()
    const { queue: open, stop } = await opened(temporaryFolder(), { files })
    const queue = await open()
    const first = put(queue, 'first')
    const until = async (count: number) => {
      for (let turn = 0; waiting.length < count && turn < 1_000; turn++)
        await new Promise((resolve) => setTimeout(resolve, 2))
      assert.equal(waiting.length, count)
    }
    await until(1)
    const more = Promise.all(Array.from({ length: 50 }, (_, index) => put(queue, `more ${index}`)))
    let turns = 0
    for (; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(queue.records, 0, 'nothing is acknowledged before it is on the disk')
    assert.equal(queue.unread, 0)
    waiting[0]?.()
    await first
    await until(2)
    waiting[1]?.()
    await more
    assert.equal(queue.records, 51)
    assert.equal((await queue.next(room))?.length, 5)
    const stopped = stop()
    await until(3)
    waiting[2]?.()
    await stopped
  })
})
