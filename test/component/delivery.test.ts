import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Chain } from '../../src/component/chain.ts'
import { fanOut, merge, replace, split } from '../../src/component/compose.ts'
import { DELIVERED, DISCARDED, LEVELS, STORED, UNKNOWN_ORIGIN } from '../../src/component/delivery.ts'
import type { Delivery, Level, Outcome } from '../../src/component/delivery.ts'
import { rootDelivery } from '../../src/component/delivery-node.ts'
import type { DeliveryNode, Holder } from '../../src/component/delivery-node.ts'
import { Refused } from '../../src/component/refused.ts'
import { WireBatch } from '../../src/data/batch.ts'
import type { Batch } from '../../src/data/batch.ts'
import { ByteBudget } from '../../src/data/memory/byte-budget.ts'
import { Slab } from '../../src/data/memory/slab.ts'

const retryable = () => new Refused('later', { code: 'unavailable', retry: {} })
const permanent = () => new Refused('never', { code: 'invalid_argument', retry: 'never' })

function charged(budget: ByteBudget, bytes = 100): Batch {
  const slab = new Slab(Buffer.alloc(bytes))
  budget.overdraw(bytes)
  slab.charge(budget)
  return new WireBatch('traces', 1, [{ slab, buffer: slab.buffer }])
}

/** A root with everything that its sender can see of it. */
function root(budget = new ByteBudget(1e9)) {
  const ends: Outcome[] = []
  const seen = new Map<Level, 'reached' | Refused>()
  const lost: number[] = []
  const delivery = rootDelivery(charged(budget), UNKNOWN_ORIGIN, {
    acknowledge: 'accepted',
    ended: (outcome) => ends.push(outcome),
    lost: (part) => lost.push(part.items),
  })
  for (const level of LEVELS)
    delivery.reached(level).then(
      () => seen.set(level, 'reached'),
      (refused: Refused) => seen.set(level, refused),
    )
  return { delivery, ends, seen, lost, budget }
}

/** A root whose sender waits for `level` and nobody for more. */
function promised(level: Level) {
  const budget = new ByteBudget(1e9)
  const delivery = rootDelivery(charged(budget), UNKNOWN_ORIGIN, {
    acknowledge: level,
    ended: () => {},
    lost: () => {},
  })
  return { delivery, budget }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('a delivery', () => {
  test('reaches every level when it is delivered, and gives its bytes back', async () => {
    const { delivery, ends, seen, budget } = root()
    delivery.end(DELIVERED)
    await settled()
    assert.deepEqual([...seen.values()], ['reached', 'reached', 'reached'])
    assert.deepEqual(ends, [DELIVERED])
    assert.equal(budget.used, 0)
  })

  test('is durable and no more when it is stored, and whoever asks for more later is told so', async () => {
    const { delivery, ends, seen, lost, budget } = root()
    delivery.end(STORED)
    await settled()
    assert.deepEqual([seen.get('accepted'), seen.get('durable')], ['reached', 'reached'])
    assert.ok(seen.get('delivered') instanceof Refused)
    assert.deepEqual([ends, lost, budget.used], [[STORED], [], 0])
  })

  test('knows who still waits for what, and whether its sender has been told', () => {
    const { delivery } = promised('durable')
    const [left, right] = fanOut(delivery, 2) as [DeliveryNode, DeliveryNode]
    assert.equal(left.awaits('durable'), true)
    assert.equal(left.awaits('delivered'), false)
    left.reach('durable')
    assert.equal(left.isPromised, false, 'the other branch has nothing yet')
    right.reach('durable')
    assert.equal(left.isPromised, true)
    void left.reached('delivered').catch(() => {})
    assert.equal(left.awaits('delivered'), true)
    left.end(DELIVERED)
    right.end(DELIVERED)
  })

  test('gives its memory back once, when its holder lets go of it or when it ends', () => {
    const { delivery, budget } = promised('delivered')
    const [copy] = fanOut(delivery, 1) as [DeliveryNode]
    copy.letGo()
    assert.equal(budget.used, 0)
    copy.end(DELIVERED)
    assert.equal(budget.used, 0)
  })

  test('keeps the level that it reached when it is refused later', async () => {
    const { delivery, seen } = root()
    delivery.reach('accepted')
    const refused = permanent()
    delivery.end(refused)
    await settled()
    assert.equal(seen.get('accepted'), 'reached')
    assert.equal(seen.get('durable'), refused)
    assert.equal(seen.get('delivered'), refused)
  })

  test('is delivered when all branches are, and not before', async () => {
    const { delivery, ends, seen } = root()
    const [left, right] = fanOut(delivery, 2) as [Delivery, Delivery]
    left.end(DELIVERED)
    right.reach('durable')
    await settled()
    assert.equal(seen.has('delivered'), false)
    assert.equal(seen.get('durable'), 'reached')
    right.end(DELIVERED)
    assert.deepEqual(ends, [DELIVERED])
  })

  test('tells the sender at once when one branch refuses, although another still waits', async () => {
    const { delivery, ends, seen } = root()
    const [left, right] = fanOut(delivery, 2) as [Delivery, Delivery]
    left.reach('accepted')
    const refused = permanent()
    right.end(refused)
    await settled()
    assert.equal(seen.get('accepted'), refused)
    assert.deepEqual(ends, [], 'the other branch has not ended')
    left.end(DELIVERED)
    assert.deepEqual(ends, [refused])
  })

  test('ends with the refusal that can be retried when branches differ', () => {
    const { delivery, ends } = root()
    const [left, right] = fanOut(delivery, 2) as [Delivery, Delivery]
    left.end(permanent())
    const later = retryable()
    right.end(later)
    assert.deepEqual(ends, [later])
  })

  test('counts as discarded only when every part was', () => {
    const one = root()
    for (const part of fanOut(one.delivery, 2)) part.end(DISCARDED)
    assert.deepEqual(one.ends, [DISCARDED])
    const other = root()
    const [left, right] = fanOut(other.delivery, 2) as [Delivery, Delivery]
    left.end(DISCARDED)
    right.end(DELIVERED)
    assert.deepEqual(other.ends, [DELIVERED])
  })

  test('that was merged gets the end of the whole', () => {
    const budget = new ByteBudget(1e9)
    const roots = [root(budget), root(budget)]
    const whole = merge(roots.map(({ delivery }) => delivery))
    assert.equal(whole.batch.items, 2)
    const refused = retryable()
    whole.end(refused)
    for (const { ends } of roots) assert.deepEqual(ends, [refused])
    assert.equal(budget.used, 0)
  })

  test('that was split over two outputs ends with the worst of them', () => {
    const budget = new ByteBudget(1e9)
    const { delivery, ends } = root(budget)
    const [first, second] = split(delivery, [charged(budget), charged(budget)]) as [Delivery, Delivery]
    const refused = retryable()
    first.end(refused)
    second.end(DELIVERED)
    assert.deepEqual(ends, [refused])
    assert.equal(budget.used, 0)
  })

  test('split into nothing is discarded', () => {
    const { delivery, ends } = root()
    assert.deepEqual(split(delivery, []), [])
    assert.deepEqual(ends, [DISCARDED])
  })

  test('replaced by a smaller batch gives the larger one back at once', () => {
    const budget = new ByteBudget(1e9)
    const { delivery } = root(budget)
    replace(delivery, charged(budget, 10))
    assert.equal(budget.used, 10)
  })

  test('blames its holder for a second end, and for touching what it passed on', () => {
    const blamed: string[] = []
    const holder: Holder = {
      id: 'stage',
      name: 'processor "bad"',
      held: new Chain<DeliveryNode>(),
      misuse: (what) => blamed.push(what),
    }
    const one = root()
    one.delivery.hold(holder)
    one.delivery.end(DELIVERED)
    one.delivery.end(DELIVERED)
    const other = root()
    other.delivery.hold(holder)
    fanOut(other.delivery, 2)
    other.delivery.end(DELIVERED)
    other.delivery.reach('durable')
    assert.throws(() => fanOut(other.delivery, 2), /processor "bad" turned a delivery into others after/)
    assert.equal(blamed.length, 4)
    assert.match(String(blamed[0]), /ended a delivery twice/)
    assert.deepEqual(one.ends, [DELIVERED])
  })

  test('keeps what a holder announced before it passed the data on, although that is refused later', async () => {
    const { delivery, seen } = root()
    const [left, right] = fanOut(delivery, 2) as [Delivery, Delivery]
    left.reach('accepted')
    replace(left, left.batch.retain()).end(retryable())
    right.end(DELIVERED)
    await settled()
    assert.equal(seen.get('accepted'), 'reached')
    assert.ok(seen.get('delivered') instanceof Refused)
  })

  test('counts as lost what is refused after its sender was told, and nothing else', () => {
    const told = root()
    const [left, right] = fanOut(told.delivery, 2) as [Delivery, Delivery]
    left.reach('accepted')
    right.reach('accepted')
    left.end(permanent())
    right.end(DELIVERED)
    assert.deepEqual(told.lost, [1])
    const untold = root()
    const [first, second] = fanOut(untold.delivery, 2) as [Delivery, Delivery]
    first.reach('accepted')
    first.end(permanent())
    second.end(DELIVERED)
    assert.deepEqual(untold.lost, [1], 'one branch had taken custody, so the sender was told that all is well')
    const refused = root()
    const [one, other] = fanOut(refused.delivery, 2) as [Delivery, Delivery]
    one.end(permanent())
    other.end(DELIVERED)
    assert.deepEqual(refused.lost, [], 'the sender hears of the refusal itself')
  })

  test("that is merged with itself is its holder's fault, and ends once", () => {
    const blamed: string[] = []
    const holder: Holder = {
      id: 'bad',
      name: 'stage',
      held: new Chain<DeliveryNode>(),
      misuse: (what) => blamed.push(what),
    }
    const { delivery, ends, budget } = root()
    delivery.hold(holder)
    const whole = merge([delivery, delivery])
    assert.deepEqual(blamed, ['merged a delivery with itself'])
    whole.end(DELIVERED)
    assert.deepEqual(ends, [DELIVERED])
    assert.equal(budget.used, 0)
  })

  test('moves with its parts between holders', () => {
    const holder: Holder = { id: 'stage', name: 'stage', held: new Chain<DeliveryNode>(), misuse: assert.fail }
    const { delivery } = root()
    delivery.hold(holder)
    const [left, right] = fanOut(delivery, 2) as [Delivery, Delivery]
    assert.deepEqual([...holder.held], [left, right])
    left.end(DELIVERED)
    assert.deepEqual([...holder.held], [right])
  })
})

/**
 * The state machine, against a model that knows nothing of nodes: random compositions of random roots, random levels and
 * ends. A root's truth is a fold over the leaves that its bytes went into.
 */
test('random compositions end every root once, with monotone levels, the worst end, and no byte left', async () => {
  const action = fc.record({
    kind: fc.constantFrom('fanOut', 'split', 'merge', 'replace', 'reach', 'end'),
    at: fc.nat(),
    more: fc.nat(),
    level: fc.constantFrom(...LEVELS),
    outcome: fc.constantFrom('delivered', 'discarded', 'retryable', 'permanent'),
  })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(action, { maxLength: 40 }), async (count, actions) => {
      const budget = new ByteBudget(1e9)
      const roots = Array.from({ length: count }, () => root(budget))
      interface Leaf {
        readonly delivery: Delivery
        /** The roots whose data is in it, and what had been announced for each before it came to be. */
        readonly roots: ReadonlyMap<number, number>
        rank: number
        outcome?: Outcome
      }
      const rankFor = (each: Leaf, index: number) => Math.max(each.rank, each.roots.get(index) as number)
      const leaf = (delivery: Delivery, from: readonly Leaf[]): Leaf => {
        const of = new Map<number, number>()
        for (const each of from)
          for (const index of each.roots.keys()) of.set(index, Math.min(of.get(index) ?? 3, rankFor(each, index)))
        return { delivery, roots: of, rank: 0 }
      }
      let open: Leaf[] = roots.map(({ delivery }, index) => ({ delivery, roots: new Map([[index, 0]]), rank: 0 }))
      const leaves = new Set(open)
      const pick = (at: number) => open[at % open.length] as Leaf
      const become = (from: readonly Leaf[], into: readonly Leaf[]) => {
        open = [...open.filter((each) => !from.includes(each)), ...into]
        for (const each of from) leaves.delete(each)
        for (const each of into) leaves.add(each)
      }
      const end = (chosen: Leaf, outcome: Outcome) => {
        chosen.delivery.end(outcome)
        chosen.outcome = outcome
        if (!(outcome instanceof Refused)) chosen.rank = 3
        open = open.filter((each) => each !== chosen)
      }
      const outcomes = { delivered: () => DELIVERED, discarded: () => DISCARDED, retryable, permanent } as const
      // What has been reached is never lost, so a model of parts keeps the root's highest known rank beside the fold.
      const known = roots.map(() => 0)
      const fold = (index: number) => {
        const mine = [...leaves].filter((each) => each.roots.has(index))
        return Math.min(...mine.map((each) => rankFor(each, index)))
      }
      const observe = () => roots.forEach((_, index) => (known[index] = Math.max(known[index] as number, fold(index))))

      for (const { kind, at, more, level, outcome } of actions) {
        if (open.length === 0) break
        const chosen = pick(at)
        if (kind === 'fanOut')
          become(
            [chosen],
            fanOut(chosen.delivery, 1 + (more % 3)).map((part) => leaf(part, [chosen])),
          )
        else if (kind === 'split') {
          const parts = split(
            chosen.delivery,
            Array.from({ length: 1 + (more % 3) }, () => charged(budget)),
          )
          become(
            [chosen],
            parts.map((part) => leaf(part, [chosen])),
          )
        } else if (kind === 'replace') become([chosen], [leaf(replace(chosen.delivery, charged(budget)), [chosen])])
        else if (kind === 'merge') {
          const others = [...new Set([chosen, pick(more)])]
          const whole = merge(others.map((each) => each.delivery))
          become(others, [leaf(whole, others)])
        } else if (kind === 'reach') {
          chosen.delivery.reach(level)
          chosen.rank = Math.max(chosen.rank, LEVELS.indexOf(level) + 1)
        } else end(chosen, outcomes[outcome]())
        observe()
      }
      while (open.length > 0) {
        end(pick(0), actions.length % 2 ? DELIVERED : retryable())
        observe()
      }
      await settled()
      assert.equal(budget.used, 0)
      roots.forEach(({ ends, seen }, index) => {
        assert.equal(ends.length, 1)
        const mine = [...leaves].filter((each) => each.roots.has(index)).map((each) => each.outcome as Outcome)
        const refusals = mine.filter((each) => each instanceof Refused)
        assert.equal(ends[0] instanceof Refused, refusals.length > 0)
        if (ends[0] instanceof Refused)
          assert.equal(
            ends[0].retryable,
            refusals.some((each) => each.retryable),
          )
        LEVELS.forEach((level, rank) =>
          assert.equal(
            seen.get(level) === 'reached',
            rank + 1 <= (known[index] as number),
            `level ${level} of root ${index}`,
          ),
        )
      })
    }),
    { numRuns: 1000 },
  )
})
