import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Chain } from '../../src/component/chain.ts'
import type { Linked } from '../../src/component/chain.ts'

class Thing implements Linked<Thing> {
  chain: Chain<Thing> | undefined
  next: Thing | undefined
  previous: Thing | undefined
}

const MOST = 6

describe('a chain', () => {
  test('has what a set would have, in the same order', () => {
    const act = fc.record({ adds: fc.boolean(), index: fc.nat(MOST - 1) })
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const things = Array.from({ length: MOST }, () => new Thing())
        const chain = new Chain<Thing>()
        const set = new Set<Thing>()
        for (const { adds, index } of acts) {
          const thing = things[index] as Thing
          if (adds) {
            chain.add(thing)
            set.add(thing)
          } else assert.equal(chain.delete(thing), set.delete(thing))
          assert.deepEqual([...chain].map(indexIn(things)), [...set].map(indexIn(things)))
          assert.equal(chain.size, set.size)
          assert.equal(chain.first, [...set][0])
          assert.equal(chain.has(thing), set.has(thing))
        }
      }),
    )
  })

  test('leaves out of a walk what has gone before its turn, and lets go of it', () => {
    const [one, two, three] = [new Thing(), new Thing(), new Thing()]
    const chain = new Chain<Thing>()
    const other = new Chain<Thing>()
    for (const thing of [one, two, three]) chain.add(thing)
    const seen: Thing[] = []
    for (const thing of chain) {
      seen.push(thing)
      if (chain.delete(two)) other.add(two)
      chain.delete(thing)
    }
    assert.ok(seen[0] === one && seen[1] === three && seen.length === 2)
    assert.deepEqual([chain.size, one.next, three.previous, two.chain === other], [0, undefined, undefined, true])
  })

  test('takes nothing that is in another', () => {
    const thing = new Thing()
    new Chain<Thing>().add(thing)
    assert.throws(() => new Chain<Thing>().add(thing), /in another chain/)
  })
})

const indexIn = (things: readonly Thing[]) => (thing: Thing) => things.indexOf(thing)
