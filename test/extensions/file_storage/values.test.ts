import assert from 'node:assert/strict'
import { dirname } from 'node:path'
import { describe, test } from 'node:test'
import { Disk } from '../../../src/extensions/file_storage/disk.ts'
import { DiskValue } from '../../../src/extensions/file_storage/stored-value.ts'
import { TestContext } from '../../component/test-context.ts'
import { failure, MemoryFiles } from './memory-files.ts'

const PATH = '/storage/values/offsets'

async function bareValue(files: MemoryFiles) {
  const context = new TestContext('file_storage', {})
  const { clock, log, meter, status } = context
  const options = { id: 'file_storage', directory: '/storage', maxBytes: 1_000_000, fsync: true }
  const disk = new Disk({ ...options, files, clock, log, meter, status })
  await disk.makeFolder(dirname(PATH))
  let damaged = 0
  const onDamaged = () => void damaged++
  const value = new DiskValue({ name: 'offsets', path: PATH, disk, onDamaged, onClosed: () => {} })
  return { value, context, clock, damaged: () => damaged }
}

async function written(texts: readonly string[]): Promise<MemoryFiles> {
  const files = new MemoryFiles()
  const { value } = await bareValue(files)
  for (const text of texts) await value.write(Buffer.from(text))
  return files
}

const readBack = async (files: MemoryFiles): Promise<string | undefined> =>
  (await (await bareValue(files)).value.read())?.toString()

/** Kept whole, in part, not at all, and each followed by each. */
const FORTUNES = [[0], [0.5], [0.9, 0.1, 0.5], [0.9, 0.4, 0.9], [0, 0.9, 0, 0.5], [0.5, 0], [0, 0.5]]

describe('a value on disk', () => {
  test('is, after a power cut at any operation, what it was or what it was to be', async () => {
    for (const before of [['first'], ['first', 'second'], ['first', 'second', 'the third, which is longer']])
      for (const fortune of FORTUNES)
        for (let operation = 0; operation < 9; operation++) {
          const files = (await written(before)).after('everything')
          const { value } = await bareValue(files)
          await value.read()
          const first = files.operations
          let turn = 0
          let left: MemoryFiles | undefined
          files.watch = (now) => {
            if (now === first + operation) left = files.after(() => fortune[turn++ % fortune.length] as number)
          }
          await value.write(Buffer.from('replaced'))
          const found = await readBack(left ?? files.after(() => 0))
          assert.ok(
            found === before.at(-1) || found === 'replaced',
            `${found} at operation ${operation} with ${fortune.join(', ')}`,
          )
          if (!left) assert.equal(found, 'replaced')
        }
  })

  test('is the one before, to a flipped byte anywhere in the newest', async () => {
    const sound = await written(['first', 'second'])
    for (const suffix of ['.a', '.b'])
      for (let at = 0; at < sound.bytes(`${PATH}${suffix}`).length; at++) {
        const files = sound.after('everything')
        const bytes = files.bytes(`${PATH}${suffix}`)
        bytes[at] = (bytes[at] as number) ^ 0x10
        assert.equal(await readBack(files), suffix === '.a' ? 'second' : 'first')
      }
  })

  test('is written on after damage', async () => {
    const files = await written(['first', 'second'])
    files.bytes(`${PATH}.b`).fill(0)
    const { value } = await bareValue(files)
    assert.equal(String(await value.read()), 'first')
    await value.write(Buffer.from('third'))
    assert.equal(await readBack(files), 'third')
  })

  test('says when nothing of it is sound', async () => {
    const files = await written(['first', 'second'])
    for (const suffix of ['.a', '.b']) files.bytes(`${PATH}${suffix}`).fill(0xff)
    const { value, damaged } = await bareValue(files)
    assert.equal(await value.read(), undefined)
    assert.equal(damaged(), 1)
  })

  test('stays what it was when the disk does not take the new one, and is written again when it does', async () => {
    const files = await written(['first', 'second'])
    const { value, context, clock } = await bareValue(files)
    files.fault = (operation) => (operation === 'write' ? failure('ENOSPC') : undefined)
    await assert.rejects(value.write(Buffer.from('third')), /the disk of \/storage is full: writing offsets: ENOSPC/)
    await assert.rejects(value.write(Buffer.from('third')), /is full/)
    files.fault = () => undefined
    assert.equal(String(await value.read()), 'second')
    await clock.advance(2_000)
    assert.deepEqual(
      context.reports.map((report) => report.split(':')[0]),
      ['recoverable', 'ok'],
    )
    await value.write(Buffer.from('third'))
    assert.equal(String(await value.read()), 'third')
  })

  test('of a later version is set aside', async () => {
    const { checksumOf } = await import('../../../src/extensions/file_storage/checksum.ts')
    const files = await written(['first'])
    const bytes = files.bytes(`${PATH}.a`)
    bytes.writeUInt32LE(2, 8)
    bytes.writeUInt32LE(checksumOf([bytes.subarray(0, 28)]), 28)
    const { value } = await bareValue(files)
    assert.equal(await value.read(), undefined)
    assert.deepEqual([...(files.folders.get('/storage/values/aside')?.now.keys() ?? [])], ['offsets.a'])
    await value.write(Buffer.from('second'))
    assert.equal(await readBack(files), 'second')
  })
})
