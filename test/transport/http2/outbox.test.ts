import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { Outbox } from '../../../src/transport/http2/outbox.ts'

/** A socket that takes a write when it is told to. */
class Slow extends Duplex {
  readonly writes: Buffer[] = []
  #taken: (() => void)[] = []

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.writes.push(Buffer.from(chunk))
    this.#taken.push(done)
  }
  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.writes.push(Buffer.concat(chunks.map(({ chunk }) => chunk)))
    this.#taken.push(done)
  }
  override _read(): void {}
  release(): void {
    const taken = this.#taken
    this.#taken = []
    for (const done of taken) done()
  }
  get all(): Buffer {
    return Buffer.concat(this.writes)
  }
}

const small = (outbox: Outbox, text: string): void => {
  const room = outbox.room(text.length)
  outbox.wrote(outbox.at + room.write(text, outbox.at, 'latin1'))
}

describe('The outbox', () => {
  test('writes all of a turn at once, in order', async () => {
    const socket = new Slow()
    const outbox = new Outbox(socket)
    small(outbox, 'one ')
    outbox.append(Buffer.alloc(2000, 'x'))
    small(outbox, ' two')
    outbox.append(Buffer.from(' three'))
    assert.equal(socket.writes.length, 0)
    await turn()
    assert.deepEqual(socket.writes.map(String), [`one ${'x'.repeat(2000)} two three`])
  })

  test('any row of pieces arrives as it was written', async () => {
    const pieces = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 16_384 })), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(pieces, async (rows) => {
        const socket = new Slow()
        const outbox = new Outbox(socket)
        const expected: Buffer[] = []
        let flushes = 0
        for (const [isSmall, length] of rows) {
          const bytes = Buffer.alloc(length, expected.length)
          expected.push(bytes)
          if (isSmall) {
            bytes.copy(outbox.room(length), outbox.at)
            outbox.wrote(outbox.at + length)
          } else outbox.append(bytes)
          if (++flushes % 7 === 0) outbox.flush()
        }
        outbox.flush()
        for (let index = 0; index < rows.length + 1; index++) {
          await turn()
          socket.release()
        }
        assert.ok(socket.all.equals(Buffer.concat(expected)))
        assert.equal(outbox.unsent, 0)
      }),
      { numRuns: 50 },
    )
  })

  test('writes over nothing that the system has not taken, and into the same memory again when it has', async () => {
    let held: Buffer[] = []
    let done: (() => void) | undefined
    class Holding extends Slow {
      override _write(chunk: Buffer, _: string, taken: () => void): void {
        held = [chunk]
        done = taken
      }
      override _writev(chunks: { chunk: Buffer }[], taken: () => void): void {
        held = chunks.map(({ chunk }) => chunk)
        done = taken
      }
    }
    const outbox = new Outbox(new Holding())
    const write = (letter: string, times: number): void => {
      for (let each = 0; each < times; each++) outbox.append(Buffer.alloc(4096, letter))
      outbox.flush()
    }
    const consists = (letter: string, times: number): boolean =>
      Buffer.concat(held).equals(Buffer.alloc(4096 * times, letter))
    write('a', 60)
    for (let round = 0; round < 20; round++) {
      const [letter, next] = round % 2 === 0 ? ['a', 'b'] : ['b', 'a']
      // It waits in the socket behind the one that is being taken.
      write(next, 60)
      await turn()
      assert.ok(consists(letter, 60), `round ${round}`)
      done!()
      await turn()
      assert.ok(consists(next, 60), `round ${round}`)
    }
    done!()
    await turn()
    assert.equal(outbox.unsent, 0)
    write('c', 1)
    const [{ buffer: memory }] = held as [Buffer]
    for (let round = 0; round < 3; round++) {
      done!()
      await turn()
      write('d', 20)
      assert.ok(consists('d', 20))
      assert.equal(held[0]!.buffer, memory)
    }
  })

  test('tells nobody of bytes that are behind those that have left', async () => {
    const socket = new Slow()
    const outbox = new Outbox(socket)
    let told = 0
    small(outbox, 'first')
    outbox.flush()
    small(outbox, 'second')
    outbox.whenSent(() => told++)
    socket.release()
    await turn()
    await turn()
    assert.equal(told, 0)
    socket.release()
    await turn()
    assert.equal(told, 1)
  })

  test('tells when what was written until then has left, and not before', async () => {
    const socket = new Slow()
    const outbox = new Outbox(socket)
    const told: string[] = []
    small(outbox, 'first')
    outbox.whenSent(() => told.push('first'))
    await turn()
    // Nothing new is written: it is the first write that has to leave.
    outbox.whenSent(() => told.push('nothing'))
    await turn()
    assert.equal(told.length, 0)
    assert.equal(outbox.unsent, 5)
    socket.release()
    await turn()
    assert.deepEqual(told, ['first', 'nothing'])
    outbox.whenSent(() => told.push('idle'))
    await turn()
    assert.deepEqual(told, ['first', 'nothing', 'idle'])
    assert.equal(outbox.unsent, 0)
  })

  test('writes nothing behind the end of the connection, which breaks nothing', async () => {
    const socket = new Slow()
    const errors: unknown[] = []
    socket.on('error', (error) => errors.push(error))
    const outbox = new Outbox(socket)
    small(outbox, 'goodbye')
    outbox.flush()
    socket.end()
    small(outbox, 'late')
    let isTold = false
    outbox.whenSent(() => (isTold = true))
    await turn()
    socket.release()
    await turn()
    assert.deepEqual([String(socket.all), isTold, errors], ['goodbye', true, []])
  })

  test('tells it of a socket that has gone, too', async () => {
    const socket = new Slow()
    socket.on('error', () => {})
    const outbox = new Outbox(socket)
    let told = 0
    small(outbox, 'under way')
    outbox.whenSent(() => told++)
    await turn()
    small(outbox, 'behind')
    outbox.whenSent(() => told++)
    socket.destroy()
    socket.release()
    await turn()
    await turn()
    assert.equal(told, 2)
  })
})
