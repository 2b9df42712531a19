import type { Random } from '../random.ts'

/** What happens to a store, one after the other. Numbers that choose something are taken modulo what there is. */
export type Step =
  /** Without waiting for it: those that follow go in the same write. */
  | { readonly do: 'append'; readonly size: number }
  /** Until every append is settled. */
  | { readonly do: 'wait' }
  | { readonly do: 'next'; readonly count: number }
  | { readonly do: 'claim' }
  | { readonly do: 'settle'; readonly which: number }
  | { readonly do: 'give back'; readonly which: number }
  | { readonly do: 'tick'; readonly milliseconds: number }
  | { readonly do: 'restart'; readonly after: 'close' | 'kill' | 'power cut'; readonly damages: readonly Damage[] }
  /** The disk becomes like that: bytes that find room beyond what is used, one in so many calls that fail, or take only a part. */
  | { readonly do: 'trouble'; readonly room: number; readonly errors: number; readonly shortWrites: number }
  | { readonly do: 'heal' }

/** What happens to a file while nobody has the store open. */
export interface Damage {
  readonly kind: 'flip' | 'zero' | 'truncate' | 'remove' | 'garbage' | 'copy' | 'extend'
  readonly file: number
  readonly at: number
}

export interface StoreInput {
  /** Of the disk's own whims. */
  readonly seed: number
  readonly segmentBytes: number
  readonly steps: readonly Step[]
}

const MOST_STEPS = 60
const DAMAGES = ['flip', 'flip', 'flip', 'flip', 'zero', 'truncate', 'remove', 'garbage', 'copy', 'extend'] as const

export function makeStoreInput(random: Random): StoreInput {
  const damages = random.once(3)
  const steps = Array.from({ length: 5 + random.below(MOST_STEPS) }, () => step(random, damages))
  return { seed: random.below(2 ** 31), segmentBytes: random.pick([600, 2_000, 8_000, 64_000]), steps }
}

function step(random: Random, damages: boolean): Step {
  const kind = random.below(20)
  if (kind < 7) return { do: 'append', size: random.once(20) ? random.below(20_000) : random.below(600) }
  if (kind < 9) return { do: 'wait' }
  if (kind < 12) return { do: 'next', count: 1 + random.below(6) }
  if (kind === 12) return { do: 'claim' }
  if (kind < 15) return { do: 'settle', which: random.below(100) }
  if (kind === 15) return { do: 'give back', which: random.below(100) }
  if (kind === 16) return { do: 'tick', milliseconds: random.pick([1, 500, 1_100, 3_000]) }
  if (kind < 19) return restart(random, damages)
  if (random.once(2)) return { do: 'heal' }
  return {
    do: 'trouble',
    room: random.once(2) ? random.below(4_000) : 2 ** 40,
    errors: random.once(2) ? 1 + random.below(12) : 0,
    shortWrites: random.once(2) ? 1 + random.below(4) : 0,
  }
}

const restart = (random: Random, damages: boolean): Step => ({
  do: 'restart',
  after: random.pick(['close', 'kill', 'power cut']),
  damages: Array.from({ length: damages && random.once(2) ? 1 + random.below(3) : 0 }, () => ({
    kind: random.pick(DAMAGES),
    file: random.below(100),
    at: random.below(2 ** 30),
  })),
})

/** Fewer steps, then smaller ones. */
export function* smallerStoreInputs(input: StoreInput): Iterable<StoreInput> {
  const { steps } = input
  for (let length = steps.length >> 1; length >= 1; length >>= 1)
    for (let at = 0; at < steps.length; at += length) yield { ...input, steps: steps.toSpliced(at, length) }
  for (const [index, each] of steps.entries()) {
    if (each.do === 'append' && each.size > 8) yield { ...input, steps: steps.with(index, { do: 'append', size: 8 }) }
    if (each.do === 'restart' && each.damages.length > 1)
      yield { ...input, steps: steps.with(index, { ...each, damages: each.damages.slice(1) }) }
  }
}
