import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { account } from './oracle.ts'
import { Book } from './sink-book.ts'
import { NumberedRequests, numberOf, spansIn } from './records.ts'

const SIZE = 3
const requests = new NumberedRequests(SIZE)
const sent = (acknowledged: number[], resent = 0) => ({
  size: SIZE,
  issued: acknowledged.length,
  acknowledged: Uint8Array.from(acknowledged),
  resent,
  answers: {},
  permanent: 0,
  skipped: 0,
})

describe('the oracle', () => {
  test('finds nothing wrong where all that was acknowledged came once', () => {
    const book = new Book()
    for (const index of [0, 1]) book.take(requests.request(index))
    const { issued, acknowledged, delivered, lost, duplicated, unexplained, invented } = account(
      sent([1, 1]),
      book.ledger(),
    )
    assert.deepEqual([issued, acknowledged, delivered], [6, 6, 6])
    assert.deepEqual([lost, duplicated, unexplained, invented], [0, 0, 0, 0])
  })

  test('names what was acknowledged and never came; what was not acknowledged may be missing', () => {
    const book = new Book()
    book.take(requests.request(0))
    const { lost, lostFrom } = account(sent([1, 1, 0]), book.ledger())
    assert.deepEqual([lost, lostFrom], [3, [3, 4, 5]])
  })

  test('counts duplicates, and those that no repetition explains', () => {
    const book = new Book()
    for (const index of [0, 0, 1, 1]) book.take(requests.request(index))
    const { duplicated, unexplained } = account(sent([1, 1], 1), book.ledger())
    assert.deepEqual([duplicated, unexplained], [6, 3])
  })

  test('does not ask for what the backend refused for good', () => {
    const book = new Book()
    book.reject(requests.request(0))
    assert.equal(account(sent([1]), book.ledger()).lost, 0)
  })

  test('sees any byte of a record that is not as it was issued', () => {
    const [span] = [...spansIn(requests.request(7))] as [Buffer]
    assert.equal(numberOf(span), 21)
    for (let at = 0; at < span.length; at++) {
      const altered = Buffer.from(span)
      altered.writeUInt8(altered.readUInt8(at) ^ 1, at)
      assert.notEqual(numberOf(altered), 21, `byte ${at}`)
    }
  })

  test('sees records that were never issued', () => {
    const book = new Book()
    book.take(requests.request(5))
    assert.equal(account(sent([1]), book.ledger()).invented, 3)
  })
})
