import assert from 'node:assert/strict'
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { drain, opened, put, room, take, temporaryFolder, until } from './stage.ts'

const segmentsOf = (directory: string, name = 'exporter%2ftest%2ftraces'): string[] =>
  readdirSync(join(directory, 'queues', name)).filter((file) => file.endsWith('.segment'))

describe('a queue on disk', () => {
  test('gives back what was appended, in order, with its items', async () => {
    const { queue: open, stop } = await opened(temporaryFolder())
    const queue = await open()
    await Promise.all(['one', 'two', 'three'].map((text, index) => put(queue, text, index + 1)))
    assert.deepEqual([queue.records, queue.items, queue.bytes, queue.unread], [3, 6, 11, 3])
    const texts = []
    for (let record = await take(queue); record; record = await take(queue))
      texts.push(`${record.text} ${record.items}`)
    assert.deepEqual(texts, ['one 1', 'two 2', 'three 3'])
    assert.deepEqual([queue.records, queue.unread], [3, 0])
    await stop()
  })

  test('keeps what is not settled, whether it was read or not, for whoever opens it next', async () => {
    const directory = temporaryFolder()
    const first = await opened(directory)
    const queue = await first.queue()
    for (const text of ['one', 'two', 'three', 'four']) await put(queue, text)
    const one = await take(queue)
    const two = await take(queue)
    assert.ok(one && two)
    queue.settle(two.key)
    await first.stop()
    const second = await opened(directory)
    const again = await second.queue()
    assert.deepEqual([again.records, again.items, again.bytes, again.unread], [3, 3, 12, 3])
    assert.deepEqual(await drain(again), ['one', 'three', 'four'])
    assert.equal(again.records, 0)
    assert.deepEqual(second.lost, [])
    await second.stop()
    const third = await opened(directory)
    const empty = await third.queue()
    assert.equal(empty.records, 0)
    assert.deepEqual(segmentsOf(directory), [])
    assert.equal(await put(empty, 'five'), 4)
    await third.stop()
  })

  test('lets a process that died lose only the notes of what it had settled since the last checkpoint', async () => {
    const directory = temporaryFolder()
    const first = await opened(directory)
    const queue = await first.queue()
    for (let index = 0; index < 10; index++) await put(queue, `record ${index}`)
    for (let index = 0; index < 4; index++) queue.settle((await take(queue))?.key as number)
    const copy = join(temporaryFolder(), 'copy')
    cpSync(directory, copy, { recursive: true })
    await first.stop()
    const second = await opened(copy)
    const texts = await drain(await second.queue())
    assert.deepEqual(
      texts.slice(-6),
      [4, 5, 6, 7, 8, 9].map((index) => `record ${index}`),
    )
    assert.deepEqual(second.lost, [])
    await second.stop()
  })

  test('lets a record be claimed where nothing older is unread', async () => {
    const { queue: open, stop } = await opened(temporaryFolder())
    const queue = await open()
    const [one, two] = await Promise.all([put(queue, 'one'), put(queue, 'two')])
    assert.equal(queue.claim(two), false)
    assert.equal(queue.claim(one), true)
    assert.deepEqual((await take(queue))?.text, 'two')
    const three = await put(queue, 'three')
    assert.equal(queue.claim(three), true)
    assert.equal(queue.claim(three), false)
    assert.equal(queue.unread, 0)
    queue.giveBack(one)
    const four = await put(queue, 'four')
    assert.equal(queue.claim(four), false, 'one is older and unread')
    assert.deepEqual(
      [(await take(queue))?.text, (await take(queue))?.text, await take(queue)],
      ['one', 'four', undefined],
    )
    await stop()
  })

  test('gives what was given back again, before what nobody has had', async () => {
    const { queue: open, stop } = await opened(temporaryFolder())
    const queue = await open()
    for (const text of ['one', 'two', 'three']) await put(queue, text)
    const one = await take(queue)
    const two = await take(queue)
    queue.giveBack(two?.key as number)
    queue.giveBack(one?.key as number)
    assert.equal(queue.unread, 3)
    assert.deepEqual(await drain(queue), ['one', 'two', 'three'])
    await stop()
  })

  test('leaves a record where it was when its reader finds no room', async () => {
    const { queue: open, stop } = await opened(temporaryFolder())
    const queue = await open()
    await put(queue, 'one')
    await assert.rejects(
      queue.next(() => Promise.reject(new Error('no memory'))),
      /no memory/,
    )
    assert.equal(queue.unread, 1)
    assert.deepEqual(await drain(queue), ['one'])
    await stop()
  })

  test('removes a segment when all of it is settled, in whatever order', async () => {
    const directory = temporaryFolder()
    const { queue: open, stop } = await opened(directory)
    const queue = await open()
    const text = 'x'.repeat(20_000)
    const keys: number[] = []
    for (let index = 0; index < 12; index++) await put(queue, `${index}${text}`)
    for (let record = await take(queue); record; record = await take(queue)) keys.push(record.key)
    assert.equal(segmentsOf(directory).length, 4)
    for (const key of keys.slice(3, 6)) queue.settle(key)
    await until(() => segmentsOf(directory).length === 3, 'the second segment is gone')
    for (const key of keys.toReversed()) if (key < 3 || key >= 6) queue.settle(key)
    await until(() => segmentsOf(directory).length === 1, 'all that is closed is gone')
    await stop()
    assert.deepEqual(segmentsOf(directory), [])
  })

  test('takes a record that is larger than a segment', async () => {
    const { queue: open, stop } = await opened(temporaryFolder())
    const queue = await open()
    const large = 'large '.repeat(100_000)
    await Promise.all([put(queue, 'small'), put(queue, large), put(queue, 'after')])
    assert.deepEqual(await drain(queue), ['small', large, 'after'])
    await stop()
  })

  test('has one user at a time, and takes names that no file could have', async () => {
    const { storage, stop } = await opened(temporaryFolder())
    const names = ['../../etc', 'a/b', 'a%2fb', '.', '', 'ä', 'x'.repeat(1000), `${'x'.repeat(999)}y`]
    const queues = await Promise.all(names.map((name) => storage.queue(name)))
    await Promise.all(queues.map((queue, index) => put(queue, `to ${index}`)))
    for (const [index, queue] of queues.entries()) assert.deepEqual(await drain(queue), [`to ${index}`])
    await assert.rejects(storage.queue('a/b'), /queue a\/b of file_storage is open already/)
    await queues[1]?.close()
    await (await storage.queue('a/b')).close()
    await stop()
  })

  test('refuses for good what never finds room, and for now what finds none', async () => {
    const { queue: open, stop, storage } = await opened(temporaryFolder(), { config: { max_size: 1024 * 1024 } })
    const queue = await open()
    assert.equal(queue.full(2 * 1024 * 1024)?.retry, 'never')
    await assert.rejects(queue.append([Buffer.alloc(2 * 1024 * 1024)], 1), /never finds room/)
    const piece = Buffer.alloc(100_000)
    let appended = 0
    while (queue.full(piece.length) === undefined) appended += Number((await queue.append([piece], 1)) >= 0)
    assert.equal(appended, 10)
    assert.match(String(queue.full(piece.length)), /has reached its max_size of 1048576 bytes/)
    await assert.rejects(queue.append([piece], 1), /max_size/)
    const other = await storage.queue('other')
    assert.ok(other.full(piece.length)?.retryable, 'the size is that of the directory')
    let told = 0
    queue.onRoom(() => told++)
    for (let record = await take(queue); record; record = await take(queue)) queue.settle(record.key)
    await until(() => queue.full(piece.length) === undefined && told > 0, 'there is room')
    await stop()
  })

  test('keeps values as a whole', async () => {
    const directory = temporaryFolder()
    const first = await opened(directory)
    const value = await first.storage.value('receiver/file_log/offsets')
    assert.equal(await value.read(), undefined)
    await value.write(Buffer.from('first'))
    await value.write(Buffer.from('second'))
    await value.write(Buffer.from('3'))
    assert.equal(String(await value.read()), '3')
    await first.stop()
    const second = await opened(directory)
    assert.equal(String(await (await second.storage.value('receiver/file_log/offsets')).read()), '3')
    await second.stop()
  })

  test('closes while somebody waits for room, and keeps what he was about to get', async () => {
    const directory = temporaryFolder()
    const first = await opened(directory)
    const queue = await first.queue()
    await put(queue, 'one')
    let give: ((slab: ReturnType<typeof room>) => void) | undefined
    const waiting = queue.next((bytes) => new Promise((resolve) => (give = () => resolve(room(bytes)))))
    await until(() => give !== undefined, 'room is asked for')
    await queue.close()
    give?.(room(1))
    assert.equal(await waiting, undefined)
    assert.deepEqual(await drain(await first.queue()), ['one'])
    await first.stop()
  })
})
