import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toObject } from '../../../../src/data/codec/to-object.ts'
import type { BatchMessage } from '../../../../src/receivers/ebpf/messages.ts'
import { CRATE_BYTES, Crates, MOST_CRATES } from '../../../../src/receivers/ebpf/output/crates.ts'
import { Output } from '../../../../src/receivers/ebpf/output/output.ts'

const HTTP = { name: 'telegen/ebpf/http', version: '1' }
const SHOP = { 'service.name': 'shop' }
const DNS = { name: 'telegen/ebpf/dns', version: '1' }
const span = (name: string, text = '') => ({
  traceId: '5'.repeat(32),
  spanId: '7'.repeat(16),
  name,
  start: 1n,
  end: 2n,
  attributes: { text },
})

interface Spans {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { readonly value: { readonly stringValue?: string } }[] }
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string }
      readonly spans: readonly { name: string }[]
    }[]
  }[]
}

function sending(batchItems = 100) {
  const sent: BatchMessage[] = []
  const crates = new Crates((message) => void sent.push(message))
  const decoded = ({ crate, bytes, signal }: BatchMessage) =>
    toObject(Buffer.from(crate, 0, bytes), signal) as unknown as Spans
  return { sent, crates, output: new Output(crates, batchItems), decoded }
}

describe('output', () => {
  test('puts the spans of one process and tracer together, however they came', () => {
    const { sent, output, decoded } = sending()
    const [nginx, node] = [{ name: 'nginx' }, { name: 'node' }]
    output.span(HTTP, nginx, span('a'))
    output.span(HTTP, node, span('b'))
    output.span(DNS, nginx, span('c'))
    output.span(HTTP, nginx, span('d'))
    output.flush()
    assert.equal(sent.length, 1)
    assert.equal(sent[0]?.items, 4)
    const { resourceSpans } = decoded(sent[0])
    const names = resourceSpans.map(({ resource, scopeSpans: [scope] }) => [
      resource.attributes[0]?.value.stringValue,
      scope?.scope.name,
      scope?.spans.map(({ name }) => name).join(),
    ])
    assert.deepEqual(names, [
      ['nginx', HTTP.name, 'a,d'],
      ['node', HTTP.name, 'b'],
      ['nginx', DNS.name, 'c'],
    ])
    output.flush()
    assert.equal(sent.length, 1, 'nothing is sent of nothing')
  })

  test('sends as soon as there are so many items, so many bytes, or so many processes', () => {
    const { sent, output } = sending(3)
    for (const name of ['a', 'b', 'c', 'd']) output.span(HTTP, SHOP, span(name))
    assert.deepEqual(
      sent.map(({ items }) => items),
      [3],
    )
    const large = sending(1000)
    for (let each = 0; each < 6; each++) large.output.span(HTTP, SHOP, span('x', 'y'.repeat(100_000)))
    assert.deepEqual(
      large.sent.map(({ items }) => items),
      [6],
    )
    const many = sending(1000)
    for (let each = 0; each < 64; each++) many.output.record(HTTP, { each }, { body: 'x' })
    assert.deepEqual(
      many.sent.map(({ signal, items }) => [signal, items]),
      [['logs', 64]],
    )
  })

  test('while all crates are under way it gathers, and beyond its bound it loses', () => {
    const { sent, crates, output, decoded } = sending(1)
    for (let each = 0; each < MOST_CRATES; each++) output.span(HTTP, SHOP, span('x'))
    assert.equal(crates.areAllUnderWay, true)
    const taken: boolean[] = []
    for (let each = 0; each < 100; each++) taken.push(output.span(HTTP, SHOP, span('y', 'z'.repeat(100_000))))
    assert.equal(sent.length, MOST_CRATES)
    const kept = taken.filter(Boolean).length
    assert.ok(kept > 80 && kept < 90, `${kept}`)
    crates.giveBack('traces', (sent[0] as BatchMessage).crate)
    output.flush()
    const last = sent.at(-1) as BatchMessage
    assert.equal(last.items, kept)
    assert.ok(last.crate.byteLength > CRATE_BYTES)
    assert.equal(decoded(last).resourceSpans[0]?.scopeSpans[0]?.spans.length, kept)
  })

  test('uses crates again that have come back, but not the large ones', () => {
    const { sent, crates, output } = sending(1)
    output.span(HTTP, SHOP, span('x'))
    const { crate } = sent[0] as BatchMessage
    crates.giveBack('traces', crate)
    assert.equal(crates.underWay('traces'), 0)
    output.span(HTTP, SHOP, span('x', 'y'.repeat(CRATE_BYTES)))
    const large = sent[1] as BatchMessage
    assert.ok(large.crate !== crate)
    crates.giveBack('traces', large.crate)
    output.span(HTTP, SHOP, span('x'))
    assert.ok(sent[2]?.crate === crate)
  })

  test('what is no span is thrown back, and leaves the others as they are', () => {
    const { sent, output, decoded } = sending()
    output.span(HTTP, SHOP, span('a'))
    assert.throws(() => output.span(HTTP, SHOP, { ...span('b'), traceId: 'x' }), /trace id/)
    output.span(HTTP, SHOP, span('c'))
    output.flush()
    assert.equal(sent[0]?.items, 2)
    const { resourceSpans } = decoded(sent[0])
    assert.deepEqual(
      resourceSpans[0]?.scopeSpans[0]?.spans.map(({ name }) => name),
      ['a', 'c'],
    )
  })
})
