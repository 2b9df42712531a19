import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import zlib from 'node:zlib'
import fc from 'fast-check'
import { Compressor } from 'snappy'
import { CODINGS } from '../../src/transport/codings.ts'
import { deflate } from '../../src/transport/deflate.ts'
import { inflate, NotInflatable, TooLarge } from '../../src/transport/inflate.ts'
import { snappy } from './snappy-encoder.ts'

const MIB = 2 ** 20
const compress: Record<string, (body: Buffer) => Buffer | Promise<Buffer>> = {
  gzip: (body) => zlib.gzipSync(body),
  zlib: (body) => zlib.deflateSync(body),
  deflate: (body) => zlib.deflateSync(body),
  zstd: (body) => zlib.zstdCompressSync(body),
  snappy,
  async 'x-snappy-framed'(body) {
    const compressor = new Compressor()
    return Buffer.concat([compressor.update(body), await compressor.finish()])
  },
}

/** Takes what is charged, and remembers the most. */
class Meter {
  used = 0
  peak = 0
  #last = 0
  take = (bytes: number) => {
    this.used += this.#last = bytes
    this.peak = Math.max(this.peak, this.used)
  }
  give = () => (this.used -= this.#last)
}

for (const coding of CODINGS) {
  describe(`Inflating ${coding}`, () => {
    const made = compress[coding]!

    test('gives back what was deflated, small, large, empty, dense', async () => {
      const dense = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 2654435761) >>> 24))
      for (const body of [Buffer.alloc(0), Buffer.from('a'), Buffer.alloc(MIB, 'telemetry '), dense])
        assert.deepEqual(await inflate(await made(body), coding, 2 * MIB), body)
    })

    test('gives back any bytes', async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
          assert.deepEqual(await inflate(await made(Buffer.from(bytes)), coding, MIB), Buffer.from(bytes))
        }),
        { numRuns: 30 },
      )
    })

    test('takes a body of just the limit and refuses one byte more', async () => {
      const body = Buffer.alloc(100_000, 'x')
      assert.equal((await inflate(await made(body), coding, 100_000)).length, 100_000)
      await assert.rejects(inflate(await made(body), coding, 99_999), TooLarge)
    })

    test('a bomb is refused, and no more memory asked for than the limit', async () => {
      const meter = new Meter()
      await assert.rejects(inflate(await made(Buffer.alloc(64 * MIB)), coding, MIB, meter), TooLarge)
      assert.ok(meter.peak <= MIB, `${meter.peak} bytes`)
      assert.equal(meter.used, 0)
    })

    test('bytes that are cut off or broken are named so', async () => {
      const whole = await made(Buffer.from('some telemetry, some telemetry, some more telemetry'))
      await assert.rejects(inflate(whole.subarray(0, whole.length - 3), coding, MIB), NotInflatable)
      await assert.rejects(
        inflate(Buffer.from([0x9f, 0xff, 0xff, 0xff, 0xff, 0x00, 0x17]), coding, MIB),
        (error) => error instanceof NotInflatable || error instanceof TooLarge,
      )
    })

    test('mutated bodies end in bytes or one of the two errors', async () => {
      const whole = await made(Buffer.from('the quick brown fox jumps over the lazy dog '.repeat(20)))
      for (let i = 0; i < 200; i++) {
        const mutated = Buffer.from(whole)
        mutated[i % whole.length] = (mutated[i % whole.length]! + 1 + ((i * 37) % 254)) & 255
        await inflate(mutated, coding, 10_000).then(
          (bytes) => assert.ok(bytes.length <= 10_000),
          (error) => assert.ok(error instanceof NotInflatable || error instanceof TooLarge, String(error)),
        )
      }
    })
  })
}

describe('Memory for inflating', () => {
  test('is asked for by what gzip says of its size', async () => {
    const asked: number[] = []
    await inflate(zlib.gzipSync(Buffer.alloc(300_000, 'abc')), 'gzip', MIB, {
      take: (n) => asked.push(n),
      give: () => {},
    })
    assert.deepEqual(asked, [300_000])
  })

  test('a lie about the size costs further tries and no more', async () => {
    const body = zlib.gzipSync(Buffer.alloc(300_000, 'abc'))
    body.writeUInt32LE(10, body.length - 4)
    const asked: number[] = []
    await assert.rejects(inflate(body, 'gzip', MIB, { take: (n) => asked.push(n), give: () => {} }), NotInflatable)
    assert.ok(asked.length < 20 && asked.at(-1)! <= MIB)
  })

  test('a promise of gigabytes in a few bytes is not believed', async () => {
    const body = zlib.gzipSync(Buffer.from('x'))
    body.writeUInt32LE(0xfffffff0, body.length - 4)
    const asked: number[] = []
    await assert.rejects(inflate(body, 'gzip', 2 ** 30, { take: (n) => asked.push(n), give: () => {} }), NotInflatable)
    assert.ok(asked[0]! < 100_000)
  })

  test('what refuses it ends the inflating', async () => {
    const refuse = () => {
      throw new Error('full')
    }
    await assert.rejects(inflate(zlib.gzipSync('x'), 'gzip', MIB, { take: refuse, give: () => {} }), /full/)
  })

  test('several gzip members after one another are one body', async () => {
    const body = Buffer.concat([zlib.gzipSync('one '), zlib.gzipSync('two')])
    assert.equal((await inflate(body, 'gzip', MIB)).toString(), 'one two')
  })
})

describe('A zstd frame', () => {
  const body = Buffer.from('some telemetry, some more telemetry, '.repeat(50))

  test('cut off anywhere is named so, also on versions of Node that take it for whole', async () => {
    const checked = { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } }
    for (const whole of [zlib.zstdCompressSync(body), zlib.zstdCompressSync(body, checked)])
      for (let length = 1; length < whole.length; length++)
        await assert.rejects(inflate(whole.subarray(0, length), 'zstd', MIB), NotInflatable, `${length} bytes`)
  })

  test('says how much memory it takes', async () => {
    for (const size of [10, 300, 100_000]) {
      const asked: number[] = []
      const plain = Buffer.from(Array.from({ length: size }, (_, i) => (i * 2654435761) >>> 24))
      await inflate(zlib.zstdCompressSync(plain), 'zstd', MIB, { take: (bytes) => asked.push(bytes), give: () => {} })
      assert.equal(asked.length, 1)
      assert.ok(asked[0]! >= size && asked[0]! <= size + 100, `${asked[0]} for ${size}`)
    }
  })

  test('may be followed by others, and by some to skip', async () => {
    const skipped = Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('abc')])
    const frames = Buffer.concat([zlib.zstdCompressSync('one '), skipped, zlib.zstdCompressSync('two')])
    assert.equal((await inflate(frames, 'zstd', MIB)).toString(), 'one two')
  })
})

describe('A thousand zstd frames', () => {
  const tiny = zlib.zstdCompressSync('x')
  // What comes last gives the body the right to ask for so much.
  const frames = [...Array.from({ length: 1000 }, () => tiny), zlib.zstdCompressSync(Buffer.alloc(30 * MIB))]
  const skipped = Buffer.alloc(40_000)
  skipped.writeUInt32LE(0x184d2a50, 0)
  skipped.writeUInt32LE(skipped.length - 8, 4)

  test('take the memory of one body', async () => {
    const before = process.memoryUsage().arrayBuffers
    const inflated = await inflate(Buffer.concat([skipped, ...frames]), 'zstd', 32 * MIB)
    assert.equal(inflated.length, 30 * MIB + 1000)
    assert.ok(process.memoryUsage().arrayBuffers - before < 500 * MIB)
  })

  test('may not be more than the limit together', async () => {
    await assert.rejects(inflate(Buffer.concat([skipped, ...frames]), 'zstd', 30 * MIB + 999), TooLarge)
  })
})

describe('A snappy block', () => {
  // Eleven bytes in all; a literal `abcd`; a copy of seven bytes from `offset` back.
  const block = (offset: number, length = 11) =>
    Buffer.from([length, 3 << 2, ...Buffer.from('abcd'), 1 | (3 << 2), offset])

  test('may copy what the copy itself writes', async () => {
    assert.equal((await inflate(block(2), 'snappy', MIB)).toString(), 'abcdcdcdcdc')
  })

  test('may not copy from before its beginning, nor be longer or shorter than it says', async () => {
    for (const broken of [block(0), block(5), block(2, 10), block(2, 12)])
      await assert.rejects(inflate(broken, 'snappy', MIB), NotInflatable)
  })
})

describe('Framed snappy', () => {
  const identifier = [0xff, 6, 0, 0, ...Buffer.from('sNaPpY')]
  // The checksum of `abc` with Castagnoli's polynomial.
  const plain = (sum: readonly number[]) => Buffer.from([...identifier, 1, 7, 0, 0, ...sum, ...Buffer.from('abc')])
  const SUM = masked(0x364b3fb7)

  test('may hold plain frames and what is to be skipped', async () => {
    const body = Buffer.concat([plain(SUM), Buffer.from([0xfe, 2, 0, 0, 9, 9]), Buffer.from(identifier)])
    assert.equal((await inflate(body, 'x-snappy-framed', MIB)).toString(), 'abc')
  })

  test('is refused with more frames than anybody makes, which would hold the event loop', async () => {
    const skipped = Buffer.alloc(4 * 16_384)
    for (let at = 0; at < skipped.length; at += 4) skipped[at] = 0x80
    const body = Buffer.concat([Buffer.from(identifier), skipped])
    await assert.rejects(inflate(body, 'x-snappy-framed', MIB), /more than 16384 frames/)
    assert.equal((await inflate(body.subarray(0, -4), 'x-snappy-framed', MIB)).length, 0)
  })

  const turnsDuring = async (work: () => Promise<unknown>) => {
    let turns = 0
    const count = () => void (turns++, (timer = setImmediate(count)))
    let timer = setImmediate(count)
    await work()
    clearImmediate(timer)
    return turns
  }

  test('lets the event loop go on in between', async () => {
    const compressor = new Compressor()
    const body = Buffer.concat([compressor.update(Buffer.alloc(4 * MIB)), await compressor.finish()])
    const turns = await turnsDuring(() => inflate(body, 'x-snappy-framed', 4 * MIB))
    assert.ok(turns >= 4, `${turns} turns`)
  })

  test('lets it go on in between frames that hold nothing, too', async () => {
    const nothing = Buffer.from([0, 5, 0, 0, ...masked(0), 0])
    const body = Buffer.concat([Buffer.from(identifier), ...Array.from({ length: 16_000 }, () => nothing)])
    const turns = await turnsDuring(() => inflate(body, 'x-snappy-framed', MIB))
    assert.ok(turns >= 40, `${turns} turns`)
  })

  test('is refused with a wrong checksum, a strange frame, a frame too long, or without its identifier', async () => {
    const large = Buffer.concat([Buffer.from([...identifier, 1, 5, 0, 1, ...SUM]), Buffer.alloc(65_537)])
    const broken = [
      plain([1, 2, 3, 4]),
      Buffer.from([...identifier, 2, 0, 0, 0]),
      large,
      plain(SUM).subarray(10),
      plain(SUM).subarray(0, -1),
    ]
    for (const body of broken) await assert.rejects(inflate(body, 'x-snappy-framed', MIB), NotInflatable)
  })
})

/** As the format masks a checksum, little-endian. */
function masked(sum: number): number[] {
  const value = (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0
  return [0, 8, 16, 24].map((shift) => (value >>> shift) & 255)
}

describe('Deflating', () => {
  for (const coding of ['gzip', 'zlib', 'deflate', 'zstd', 'snappy', 'x-snappy-framed'])
    test(`${coding} is inflated again, at any level`, async () => {
      const body = Buffer.from('telemetry '.repeat(5000))
      for (const level of [-1, 1, 9]) {
        const small = await deflate(body, coding, level)
        assert.ok(small.length < body.length / 10)
        assert.deepEqual(await inflate(small, coding, MIB), body)
      }
    })
})
