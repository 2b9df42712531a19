import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Arena } from '../../../src/data/wire/arena.ts'
import { Malformed } from '../../../src/data/wire/malformed.ts'
import { END, ENTRY, Message, START, TAG, VALUE } from '../../../src/data/wire/message.ts'
import { Output } from '../../../src/data/wire/output.ts'
import { findKey, found, isPlain, Place, placeAny, placeValue } from '../../../src/data/wire/place.ts'
import { golden } from '../golden.ts'
import { attribute, embed, fixed64, number } from '../wire-bytes.ts'

const arenaOf = (bytes: Buffer): Arena => {
  const arena = new Arena()
  arena.open(bytes.length)
  arena.load(bytes)
  return arena
}

/** What `work` comes to on the first `length` bytes, whatever follows them. */
function onPrefix<T>(bytes: Buffer, length: number, work: (buffer: Buffer, end: number) => T): T | string {
  const results = [0x00, 0x0a, 0xff].map((filling) => {
    const buffer = Buffer.alloc(bytes.length + 64, filling)
    bytes.copy(buffer, 0, 0, length)
    try {
      return work(buffer, length)
    } catch (error) {
      if (error instanceof Malformed) return error.reason
      throw error
    }
  })
  assert.deepEqual(results[1], results[0])
  assert.deepEqual(results[2], results[0])
  return results[0]!
}

function scanned(buffer: Buffer, end: number): number[] {
  const arena = new Arena()
  arena.over(buffer)
  const message = new Message(arena)
  message.scan(0, end)
  for (let index = 0; index < message.length; index += ENTRY) assert.ok(message.tape[index + END]! <= end)
  return [...message.tape.subarray(0, message.length)]
}

describe('a tape', () => {
  test('never reaches past the end of its message, whatever follows', () => {
    const { tape, length } = messageOf(golden('traces'))
    assert.ok(length > 0 && tape.length >= length)
    const bytes = Buffer.concat([
      attribute(9, 'k', 'v'),
      number(6, 300),
      fixed64(7, 1n),
      embed(16, 'x'.repeat(300)),
      number(2000, 1),
      fixed32(),
    ])
    for (let end = 0; end <= bytes.length; end++) onPrefix(bytes, end, scanned)
    assert.equal((onPrefix(bytes, bytes.length, scanned) as number[]).length, 6 * ENTRY)
  })

  test('of any bytes is refused, or ends where they end', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        (bytes) => void onPrefix(Buffer.from(bytes), bytes.length, scanned),
      ),
    )
  })

  test('holds more fields than it had room for, and forgets them', () => {
    const message = messageOf(
      Buffer.concat(Array.from({ length: 1000 }, (_, index) => number(1 + (index % 15), index))),
    )
    assert.equal(message.length, 1000 * ENTRY)
    message.begin()
    assert.deepEqual([message.length, message.changed], [0, false])
  })

  test('takes a message in several pieces for one, and writes it as one', () => {
    const pieces = [embed(1, 'a'), number(2, 5)]
    const arena = arenaOf(Buffer.concat(pieces))
    const message = new Message(arena)
    message.scan(pieces[0]!.length, arena.used)
    message.scan(0, pieces[0]!.length)
    const start = message.write(0x7a)
    assert.deepEqual(Buffer.from(arena.buffer.subarray(start, arena.used)), embed(15, pieces[1]!, pieces[0]!))
  })

  test('puts a field in the place of the last of its kind, and removes the others', () => {
    const arena = arenaOf(Buffer.concat([number(1, 1), number(2, 2), number(1, 3), number(3, 4)]))
    const message = new Message(arena)
    message.scan(0, arena.used)
    const replacement = number(3, 9)
    const at = arena.load(replacement)
    message.put([0x08, 0x18], 0x18, at, at + 1, at + replacement.length)
    message.put([0x28], 0x28, at, at + 1, at + replacement.length)
    const start = message.write(0x0a)
    assert.deepEqual(
      Buffer.from(arena.buffer.subarray(start, arena.used)),
      embed(1, number(2, 2), replacement, replacement),
    )
  })

  test('that is sealed refuses edits', () => {
    const message = messageOf(number(1, 1))
    message.sealed = true
    assert.throws(() => message.remove(0), /only looked at/)
    assert.throws(() => message.append(8, 0, 1, 2), /only looked at/)
    assert.deepEqual([message.tape[TAG], message.tape[START], message.tape[VALUE], message.changed], [8, 0, 1, false])
  })
})

describe('an attribute', () => {
  const shapes = [
    attribute(9, 'key', 'value'),
    attribute(9, 'key', 'v'.repeat(300)),
    attribute(9, 'k'.repeat(200), 'value'),
    embed(9, embed(1, 'key')),
    embed(9, embed(2, number(3, 5)), embed(1, 'key')),
    embed(9, embed(1, 'a'), embed(1, 'b'), embed(2, number(3, 5)), embed(2, embed(1, 'x'), number(2, 1))),
  ].map((each) => each.subarray(each.length > 200 ? 3 : 2))

  test('is never read past its end, whatever follows', () => {
    const place = new Place()
    for (const bytes of shapes) {
      for (let end = 0; end <= bytes.length; end++) {
        onPrefix(bytes, end, (buffer, limit) => {
          findKey(buffer, 0, limit)
          const key = [found.start, found.end]
          placeValue(place, buffer, 0, limit)
          assert.ok(found.end <= limit && place.end <= limit)
          return [...key, isPlain(buffer, 0, limit), place.kind, place.start, place.end]
        })
        onPrefix(bytes, end, (buffer, limit) => {
          placeAny(place, buffer, 0, limit)
          assert.ok(place.end <= limit)
          return [place.kind, place.start, place.end]
        })
      }
    }
  })
})

describe('an output', () => {
  test('is what was pushed, in order, with headers around what they hold', () => {
    const arena = arenaOf(Buffer.from('abcdefghijklmnopqrstuvwxyz'))
    const output = new Output(arena)
    output.push(0, 2)
    output.push(2, 4)
    const before = output.size
    const place = output.reserve()
    const inner = output.size
    output.push(20, 22)
    output.push(4, 24)
    output.close(place, 0x0a, inner)
    const cut = output.reserve()
    const beforeCut = output.size
    output.push(1, 9)
    output.cut(cut, beforeCut)
    output.push(25, 26)
    assert.equal(before, 4)
    const start = output.write()
    const expected = Buffer.concat([Buffer.from('abcd'), embed(1, 'uv', 'efghijklmnopqrstuvwx'), Buffer.from('z')])
    assert.deepEqual(Buffer.from(arena.buffer.subarray(start, arena.used)), expected)
    assert.equal(output.size, expected.length)
  })
})

function messageOf(bytes: Buffer): Message {
  const arena = arenaOf(bytes)
  const message = new Message(arena)
  message.scan(0, arena.used)
  return message
}

function fixed32(): Buffer {
  return Buffer.from([0x85, 0x01, 1, 2, 3, 4])
}
