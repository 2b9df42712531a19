import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { loadAddon } from '../../../src/native/load-addon.ts'
import { isNativeError } from '../../../src/native/reasons.ts'
import { smallElf } from '../small-elf.ts'

const loaded = loadAddon()
const skip = loaded.kind === 'loaded' ? process.arch !== 'x64' && 'the code is of x86-64' : loaded.reason
const ANOTHER_MACHINE = 183
const READ = 4
const EXECUTE = 1
/** `p_flags` of the first program header. */
const FLAGS_AT = 64 + 4

describe('places of probes', { skip }, () => {
  if (loaded.kind !== 'loaded') return
  const { processFiles } = loaded.addon
  const folder = mkdtempSync(join(tmpdir(), 'telegen-places-'))
  const path = join(folder, 'small')
  after(() => rmSync(folder, { recursive: true }))

  // nop; nop; ret, and mov $0xc3c3c3c3, %eax; ret.
  const functions = [
    { name: 'first', code: Buffer.from('9090c3', 'hex') },
    { name: 'second', code: Buffer.from('b8c3c3c3c3c3', 'hex') },
  ]
  const made = executed()
  const [first, second] = made.offsets as [number, number]

  function executed(machine?: number): ReturnType<typeof smallElf> {
    const elf = smallElf({ functions, ...(machine !== undefined && { machine }) })
    elf.bytes.writeUInt32LE(READ | EXECUTE, FLAGS_AT)
    return elf
  }

  async function places(bytes: Uint8Array, names: readonly string[], offsets: readonly number[], cut?: number) {
    writeFileSync(path, bytes)
    if (cut !== undefined) truncateSync(path, cut)
    const descriptor = openSync(path, 'r')
    try {
      return await processFiles.probeOffsets(descriptor, path, names, offsets)
    } finally {
      closeSync(descriptor)
    }
  }

  test('are beginnings of functions by name, and of instructions within them', async () => {
    assert.deepEqual(await places(made.bytes, ['second', 'first'], []), [second, first])
    const within = [second + 5, first, first + 1, first + 2, second]
    assert.deepEqual(await places(made.bytes, [], within), within)
    for (const amid of [1, 2, 3, 4])
      await assert.rejects(places(made.bytes, [], [second + amid]), { code: 'EINVAL', message: /amid/ })
    await assert.rejects(places(made.bytes, [], [second + 6]), { code: 'ENOENT', message: /no function/ })
    await assert.rejects(places(made.bytes, [], [made.bytes.length]), { code: 'EINVAL', message: /no code/ })
    await assert.rejects(places(made.bytes, ['third'], []), { code: 'ENOENT' })
  })

  test('are not of code of another machine, nor of a segment that is not executed', async () => {
    await assert.rejects(places(executed(ANOTHER_MACHINE).bytes, ['first'], []), { code: 'ENOEXEC' })
    const bytes = Buffer.from(made.bytes)
    bytes.writeUInt32LE(READ, FLAGS_AT)
    await assert.rejects(places(bytes, ['first'], []), { code: 'ENOENT' })
    await assert.rejects(places(bytes, [], [first]), { code: 'EINVAL', message: /no code/ })
  })

  test('of a file that is cut short or has any bytes changed are in it, or refused', async () => {
    const byte = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255))
    const change = fc.tuple(fc.nat(made.bytes.length - 1), fc.array(byte, { minLength: 1, maxLength: 8 }))
    const sound = fc.constantFrom(first, second, second + 5)
    const ask = fc.array(fc.oneof({ weight: 4, arbitrary: sound }, fc.nat(made.bytes.length + 8)), { maxLength: 3 })
    let refused = 0
    let given = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 3 }),
        fc.option(fc.nat(made.bytes.length), { nil: undefined, freq: 1 }),
        ask,
        async (changes, cut, offsets) => {
          const bytes = Buffer.from(made.bytes)
          for (const [at, put] of changes) bytes.set(put.slice(0, bytes.length - at), at)
          try {
            const found = await places(bytes, ['first'], offsets, cut)
            assert.deepEqual(found.slice(1), offsets)
            assert.ok(found.every((offset) => offset < (cut ?? bytes.length)))
            given++
          } catch (error) {
            if (!isNativeError(error)) throw error
            refused++
          }
        },
      ),
      { numRuns: 800 },
    )
    assert.ok(refused > 20 && given > 20)
  })
})
