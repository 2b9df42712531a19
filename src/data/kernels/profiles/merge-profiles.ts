import { type Batch } from '../../batch.ts'
import { LENGTH } from '../../wire/varint.ts'
import { RESOURCES } from '../count.ts'
import { Entry } from '../entry.ts'
import { typeOf } from './references.ts'
import { DICTIONARY, Source } from './source.ts'
import { Target } from './target.ts'

const RESOURCE_PROFILES = typeOf('ResourceProfiles')
const RESOURCES_TAG = (RESOURCES << 3) | LENGTH

const source = new Source()
const target = new Target()
const entry = new Entry()

/**
 * One batch with the profiles of all, in order, and one dictionary, which has what they refer to once and nothing else:
 * equal entries of the inputs become one. The result is charged as inside work to the budget of the first; the inputs are
 * borrowed. Throws `Malformed` where an index points at nothing, as `validate` does, and `Overdrawn`.
 */
export function mergeProfiles(batches: readonly Batch<'profiles'>[]): Batch<'profiles'> {
  target.clear()
  let items = 0
  try {
    for (const batch of batches) {
      items += batch.items
      source.open(joined(batch))
      takeAll()
    }
    return target.build(items, batches[0]?.budget)
  } finally {
    source.close()
    target.clear()
  }
}

/** Profiles stand in one piece, but for those that somebody put together by hand. */
export function joined(batch: Batch): Buffer {
  const segments = batch.segments()
  return segments.length === 1 ? segments[0]! : Buffer.concat(segments, batch.bytes)
}

/** Takes over all but the dictionary: the resources, and what nobody knows. */
function takeAll(): void {
  const { buffer } = source
  for (let at = 0; at < buffer.length;) {
    const before = at
    at = entry.read(buffer, at, buffer.length)
    if (entry.isMessage(RESOURCES)) target.take(source, RESOURCES_TAG, RESOURCE_PROFILES, entry.start, entry.end)
    else if (entry.field !== DICTIONARY) target.records.copy(buffer, before, at)
  }
}
