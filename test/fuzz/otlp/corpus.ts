import fc from 'fast-check'
import type { JsonObject } from '../../../src/data/codec/json.ts'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import { SIGNALS } from '../../../src/data/signal.ts'
import type { Signal } from '../../../src/data/signal.ts'
import { requests } from '../../data/generate.ts'
import { profileRequests } from '../../data/generate-profiles.ts'
import { golden, goldenObject } from '../../data/golden.ts'

/** Sound requests of a signal, as both encodings have them. */
export interface Sound {
  readonly wire: readonly Buffer[]
  readonly json: readonly Buffer[]
}

export type Corpus = Readonly<Record<Signal, Sound>>

/** Arbitrary requests beside the golden one. */
const ARBITRARY = 150

/** The golden requests, and arbitrary ones that the seed decides. */
export function corpus(seed: number): Corpus {
  const made = SIGNALS.map((signal) => {
    const objects = [goldenObject(signal), ...fc.sample(arbitrary(signal), { seed, numRuns: ARBITRARY })]
    const wire = objects.map((object) => Buffer.concat([...fromObject(signal, object).segments()]))
    return [
      signal,
      { wire: [golden(signal), ...wire], json: objects.map((object) => Buffer.from(JSON.stringify(object))) },
    ]
  })
  return Object.fromEntries(made) as Corpus
}

const arbitrary = (signal: Signal): fc.Arbitrary<JsonObject> =>
  signal === 'profiles' ? profileRequests() : requests(signal, { forOracle: false })
