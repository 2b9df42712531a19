import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checksumOf } from '../../../src/extensions/file_storage/checksum.ts'
import {
  decodeHead,
  encodeEnd,
  encodeHead,
  encodeHeader,
  HEAD_BYTES,
  HEADER_BYTES,
} from '../../../src/extensions/file_storage/segment-format.ts'
import { bareQueue, FOLDER, lostRecords } from './bare-queue.ts'
import { MemoryFiles } from './memory-files.ts'
import { drain, put, take } from './stage.ts'

/** Of several lengths, one of nothing, one like a file's own bytes. */
const TEXTS = ['one', '', 'x'.repeat(150), 'four', 'y'.repeat(90), 'six', 'z'.repeat(200), 'eight', 'nine', 'ten']

/** A queue of several segments; the last is closed, or was being written when the process died. */
async function stored({
  closed,
  settled = [],
}: {
  closed: boolean
  settled?: readonly number[]
}): Promise<MemoryFiles> {
  const files = new MemoryFiles()
  const { queue, clock } = await bareQueue(files)
  for (const [index, text] of TEXTS.entries()) await put(queue, text, index + 1)
  if (settled.length > 0) {
    const records = []
    for (let record = await take(queue); record; record = await take(queue)) records.push(record)
    for (const { key } of records) if (settled.includes(key)) queue.settle(key)
  }
  await clock.advance(2_000)
  if (!closed) return files.after('everything')
  await queue.close()
  return files.after('everything')
}

const filesIn = (files: MemoryFiles): string[] => [...(files.folders.get(FOLDER)?.now.keys() ?? [])].toSorted()
const segmentsIn = (files: MemoryFiles): string[] => filesIn(files).filter((name) => name.endsWith('.segment'))

/** Opens what is left, reads it all, and opens it once more. */
async function reopened(files: MemoryFiles, twice = true) {
  const { queue, lost, context } = await bareQueue(files)
  const { records, items, bytes } = queue
  const texts = await drain(queue)
  const left = [queue.records, queue.items, queue.bytes, queue.unread]
  await queue.close()
  if (!twice) return { texts, lost, records, items, bytes, left, rest: [], context }
  const again = await bareQueue(files)
  const rest = [...(await drain(again.queue)), ...again.lost]
  await again.queue.close()
  return { texts, lost, records, items, bytes, left, rest, context }
}

/** What is there is in order, what is missing was counted, and the second start finds nothing. */
function assertCounted(
  { texts, lost, left, rest }: Awaited<ReturnType<typeof reopened>>,
  where: string,
  most = 1,
): void {
  const missing = TEXTS.length - texts.length
  // Less than a header behind the last record may be the beginning of one more.
  const mayBeMore =
    most > 1 && lost.some(({ reason }) => reason === 'torn') && lostRecords(lost) === missing + 1 ? 1 : 0
  assert.ok(missing <= most, `${where}: ${missing} are missing`)
  assert.deepEqual(
    texts,
    TEXTS.filter((text) => texts.includes(text)),
    where,
  )
  assert.equal(lostRecords(lost) - mayBeMore, missing, `${where}: ${JSON.stringify(lost)}`)
  assert.deepEqual(left, [0, 0, 0, 0], where)
  assert.deepEqual(rest, [], where)
}

/** A segment that has all records and is closed behind them. */
function withAll(salt: Buffer): Buffer {
  const parts = [encodeHead(0, salt)]
  const at = (): number => parts.reduce((sum, { length }) => sum + length, 0)
  const totals = { records: 0, items: 0, bytes: 0 }
  for (const [key, text] of TEXTS.entries()) {
    const contents = Buffer.from(text)
    const record = { key, items: key + 1, length: contents.length, checksum: checksumOf([contents]) }
    parts.push(Buffer.concat([encodeHeader(salt, at(), record), contents]))
    totals.records++
    totals.items += record.items
    totals.bytes += record.length
  }
  return Buffer.concat([...parts, encodeEnd(salt, at(), TEXTS.length, totals)])
}

for (const closed of [true, false])
  describe(closed ? 'a queue that was closed' : 'a queue whose process died', () => {
    test('loses, to a flipped byte anywhere, the record that it hit and no other', async () => {
      const sound = await stored({ closed })
      let lost = 0
      for (const name of segmentsIn(sound)) {
        const path = `${FOLDER}/${name}`
        for (let at = 0; at < sound.bytes(path).length; at++) {
          const files = sound.after('everything')
          const bytes = files.bytes(path)
          bytes[at] = (bytes[at] as number) ^ (1 << (at % 8))
          const result = await reopened(files, at % 8 === 0)
          assertCounted(result, `${name}, byte ${at}`)
          lost += TEXTS.length - result.texts.length
        }
      }
      assert.ok(lost > 500, 'most bytes belong to records')
    })

    test('loses, to a file cut off anywhere, what was behind the cut', async () => {
      const sound = await stored({ closed })
      // Behind the last segment nothing tells what is missing: it is cut at each byte, the others here and there.
      for (const name of segmentsIn(sound)) {
        const path = `${FOLDER}/${name}`
        const step = name === segmentsIn(sound).at(-1) ? 1 : 7
        for (let length = 0; length < sound.bytes(path).length; length += step) {
          const files = sound.after('everything')
          files.put(path, Buffer.from(sound.bytes(path).subarray(0, length)))
          assertCounted(await reopened(files, length % 4 === 0), `${name} of ${length} bytes`, TEXTS.length)
        }
      }
    })

    test('loses, to a stretch of zeros anywhere, what it covers', async () => {
      const sound = await stored({ closed })
      for (const name of segmentsIn(sound)) {
        const path = `${FOLDER}/${name}`
        for (let at = 0; at < sound.bytes(path).length; at += 13) {
          const files = sound.after('everything')
          const bytes = files.bytes(path)
          bytes.fill(0, at, Math.min(bytes.length, at + 64))
          assertCounted(await reopened(files), `${name}, zeros from ${at}`, 3)
        }
      }
    })

    test('comes again with what was settled, at worst, when a checkpoint is damaged anywhere', async () => {
      const settled = [0, 1, 4]
      const sound = await stored({ closed, settled })
      const kept = TEXTS.filter((_, index) => !settled.includes(index))
      for (const name of ['checkpoint.a', 'checkpoint.b'])
        for (let at = 0; at < 90; at++) {
          const files = sound.after('everything')
          const bytes = files.bytes(`${FOLDER}/${name}`)
          bytes[at] = (bytes[at] as number) ^ 0x55
          const { texts, lost, rest } = await reopened(files)
          assert.deepEqual(
            texts.filter((text) => kept.includes(text)),
            kept,
            `${name}, byte ${at}`,
          )
          assert.deepEqual([...lost, ...rest], [])
        }
    })

    test('misses a segment that is gone, and tells of each of its records', async () => {
      const sound = await stored({ closed })
      for (const name of segmentsIn(sound)) {
        const files = sound.after('everything')
        await files.remove(`${FOLDER}/${name}`)
        const result = await reopened(files)
        assertCounted(result, name, 5)
        assert.ok(result.texts.length < TEXTS.length)
        assert.deepEqual(new Set(result.lost.map(({ reason }) => reason)), new Set(['missing']))
      }
    })
  })

describe('a queue on disk', () => {
  test('knows how many items were in records that it cannot find', async () => {
    const files = await stored({ closed: true })
    const name = segmentsIn(files)[0] as string
    const path = `${FOLDER}/${name}`
    // The header of the second record, which has two items.
    const second = 64 + 32 + 3
    files.bytes(path).fill(0xff, second, second + 32)
    const { lost, items, left } = await reopened(files)
    assert.equal(items, 55)
    assert.equal(
      lost.reduce((sum, each) => sum + each.items, 0),
      2,
    )
    assert.deepEqual(left, [0, 0, 0, 0])
  })

  test('goes on without its checkpoints, from the first segment that is there', async () => {
    const sound = await stored({ closed: true, settled: [0, 1, 2, 3, 6] })
    for (const name of ['checkpoint.a', 'checkpoint.b']) await sound.remove(`${FOLDER}/${name}`)
    const { texts, lost } = await reopened(sound)
    assert.deepEqual(texts.slice(-3), TEXTS.slice(-3))
    assert.ok(texts.includes('y'.repeat(90)))
    assert.deepEqual(lost, [])
  })

  test('survives a checkpoint that is older than its segments, and one that is newer', async () => {
    const files = new MemoryFiles()
    const first = await bareQueue(files)
    await first.clock.advance(0)
    await put(first.queue, 'one')
    const older = files.after('everything')
    await put(first.queue, 'two')
    first.queue.settle((await take(first.queue))?.key as number)
    await first.queue.close()
    const behind = files.after('everything')
    for (const name of ['checkpoint.a', 'checkpoint.b'])
      behind.put(`${FOLDER}/${name}`, older.bytes(`${FOLDER}/${name}`))
    assert.deepEqual((await reopened(behind)).texts, ['one', 'two'])
    const ahead = files.after('everything')
    ahead.put(`${FOLDER}/000000000000000.segment`, older.bytes(`${FOLDER}/000000000000000.segment`))
    const { texts, lost } = await reopened(ahead)
    assert.deepEqual([texts, lostRecords(lost)], [[], 1])
    const { queue } = await bareQueue(ahead)
    await put(queue, 'three')
    assert.deepEqual(await drain(queue), ['three'])
  })

  test('sets aside what another version wrote, says so, and never deletes it', async () => {
    const files = await stored({ closed: true })
    const names = segmentsIn(files)
    const path = `${FOLDER}/${names[1]}`
    const { checksumOf } = await import('../../../src/extensions/file_storage/checksum.ts')
    const bytes = files.bytes(path)
    for (const at of [0, 32]) {
      bytes.writeUInt32LE(2, at + 8)
      bytes.writeUInt32LE(checksumOf([bytes.subarray(at, at + 28)]), at + 28)
    }
    const before = Buffer.from(bytes)
    const { texts, lost, rest, context } = await reopened(files)
    assert.ok(texts.length >= 6 && texts.length < TEXTS.length)
    assert.deepEqual(
      lost.map(({ reason }) => reason),
      ['set_aside'],
    )
    assert.equal(lostRecords(lost), TEXTS.length - texts.length)
    assert.deepEqual(rest, [])
    assert.ok(context.lines.some((line) => line.includes('format version 2')))
    assert.deepEqual(files.bytes(`${FOLDER}/aside/${names[1]}`), before)
  })

  test('sets aside a copy of a segment, and a segment of another queue', async () => {
    const files = await stored({ closed: true })
    const names = segmentsIn(files)
    files.put(`${FOLDER}/000000000000077.segment`, Buffer.from(files.bytes(`${FOLDER}/${names[0]}`)))
    const other = await stored({ closed: true })
    files.put(`${FOLDER}/${names[2]}`, other.bytes(`${FOLDER}/${names[2]}`))
    const { texts } = await reopened(files)
    assert.ok(texts.length >= 6)
    assert.deepEqual([...(files.folders.get(`${FOLDER}/aside`)?.now.keys() ?? [])].toSorted(), [
      names[2],
      '000000000000077.segment',
    ])
    const { queue } = await bareQueue(files)
    await put(queue, 'new')
    assert.deepEqual(await drain(queue), ['new'])
  })

  test('counts a short record whose header is damaged, although nothing was written down of it yet', async () => {
    const sound = new MemoryFiles()
    const { queue } = await bareQueue(sound)
    await put(queue, 'tiny', 1)
    const path = `${FOLDER}/${segmentsIn(sound)[0]}`
    for (let at = HEAD_BYTES; at < HEAD_BYTES + HEADER_BYTES; at++) {
      const files = sound.after('everything')
      const bytes = files.bytes(path)
      bytes[at] = (bytes[at] as number) ^ (1 << (at % 8))
      const { texts, lost } = await reopened(files, false)
      assert.deepEqual([texts, lostRecords(lost)], [[], 1], `byte ${at}`)
    }
  })

  test('reads once what a closed segment and those behind it both have, and comes to an end', async () => {
    const files = await stored({ closed: true })
    const first = `${FOLDER}/${segmentsIn(files)[0]}`
    assert.ok(segmentsIn(files).length > 2)
    files.put(first, withAll(decodeHead(files.bytes(first))?.salt as Buffer))
    const { texts, lost, left, rest } = await reopened(files)
    assert.deepEqual([texts, lost, left, rest], [TEXTS, [], [0, 0, 0, 0], []])
  })

  test('does not take for a record what a record holds', async () => {
    const files = new MemoryFiles()
    const { queue } = await bareQueue(files, { segmentBytes: 100_000 })
    const before = 'b'.repeat(5_000)
    await put(queue, before)
    const path = `${FOLDER}/${segmentsIn(files)[0]}`
    // The beginning of its own file, as somebody's log file would have it: with a sound header that tells of 5,000 bytes.
    await put(queue, files.bytes(path).toString('latin1', 0, 96))
    for (const text of ['after', 'later']) await put(queue, text)
    await queue.close()
    // The header in front of the copy is damaged, and the search goes through the copy.
    const bytes = files.bytes(path)
    bytes[64 + 32 + before.length] = (bytes[64 + 32 + before.length] as number) ^ 1
    const { texts, lost } = await reopened(files)
    assert.deepEqual([texts, lostRecords(lost)], [[before, 'after', 'later'], 1])
  })
})
