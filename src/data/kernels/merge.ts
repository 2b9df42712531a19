import { type Batch, batchOfSlab, overdrawnSlab, type Segment, WireBatch } from '../batch.ts'
import type { Signal } from '../signal.ts'
import { mergeProfiles } from './profiles/merge-profiles.ts'

/**
 * One batch with the records of all, in order, that shares their memory: an export request is a repeated field, so
 * requests one after another are a request. The inputs are borrowed, the result is a new reference.
 *
 * Profiles, whose records point into a dictionary beside them, are written anew, charged to the budget of the first as
 * inside work: for them alone this may throw, `Overdrawn` or `Malformed`.
 */
export function merge<S extends Signal>(batches: readonly Batch<S>[]): Batch<S> {
  const signal = batches[0]?.signal
  if (signal === undefined) throw new RangeError('nothing to merge')
  let items = 0
  const parts: Segment[] = []
  for (const batch of batches) {
    if (batch.signal !== signal) throw new TypeError(`${batch.signal} cannot be merged with ${signal}`)
    items += batch.items
    parts.push(...segmentsOf(batch))
  }
  if (signal === 'profiles' && batches.length > 1)
    return mergeProfiles(batches as readonly Batch<'profiles'>[]) as Batch<S>
  for (const part of parts) part.slab.retain()
  return new WireBatch(signal, items, parts)
}

/**
 * The whole request in one piece: where the batch has a single segment its own bytes, borrowed, and otherwise a copy
 * that no budget knows of.
 */
export function join(batch: Batch): Buffer {
  const segments = batch.segments()
  const only = segments[0]
  return only !== undefined && segments.length === 1 ? only : Buffer.concat(segments, batch.bytes)
}

/**
 * The same batch in a single segment, for what must have its bytes in one piece: a new reference to the batch itself
 * where it has one, and otherwise a copy in pooled memory, charged as inside work.
 */
export function compact<S extends Signal>(batch: Batch<S>): Batch<S> {
  const segments = batch.segments()
  if (segments.length === 1) return batch.retain()
  const slab = overdrawnSlab(batch.bytes, batch.budget)
  let at = 0
  for (const segment of segments) at += segment.copy(slab.buffer, at)
  return batchOfSlab(batch.signal, batch.items, slab, at)
}

function segmentsOf(batch: Batch): readonly Segment[] {
  if (!(batch instanceof WireBatch)) throw new TypeError('only batches made by this package can be merged')
  batch.segments()
  return batch.parts
}
