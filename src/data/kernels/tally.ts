import type { Batch } from '../batch.ts'
import { RECORDS, RESOURCES, SCOPES } from './count.ts'
import { Entry } from './entry.ts'
import { DICTIONARY } from './profiles/source.ts'

/** How many containers a batch has. `records`: spans, metrics, log records or profiles, which are not what `items` counts of metrics. */
export interface Tally {
  readonly resources: number
  readonly records: number
}

/** Counts containers, as `count` does items. Throws `Malformed` where they do not fit together. */
export function tally(batch: Batch): Tally {
  const scope = new Entry()
  const record = new Entry()
  let resources = 0
  let records = 0
  for (const request of resourcesOf(batch)) {
    resources++
    const resource = request.subarray(innerStart(request))
    for (let at = 0; at < resource.length;) {
      at = scope.read(resource, at, resource.length)
      if (!scope.isMessage(SCOPES)) continue
      for (let inner = scope.start; inner < scope.end;) {
        inner = record.read(resource, inner, scope.end)
        if (record.isMessage(RECORDS)) records++
      }
    }
  }
  return { resources, records }
}

/**
 * The resources of a batch, each with all that belongs to it as a request of its own, borrowed: what is too much to be looked
 * at as objects all at once is looked at piece by piece. Anything beside the resources, such as a dictionary, is left out.
 */
export function* resourcesOf(batch: Batch): Generator<Buffer> {
  const entry = new Entry()
  for (const segment of batch.segments()) {
    for (let at = 0; at < segment.length;) {
      const start = at
      at = entry.read(segment, at, segment.length)
      if (entry.isMessage(RESOURCES)) yield segment.subarray(start, at)
    }
  }
}

/** The dictionary of a batch of profiles, in all its pieces, as a request of its own. */
export function dictionaryOf(batch: Batch): Buffer {
  const entry = new Entry()
  const pieces: Buffer[] = []
  for (const segment of batch.segments()) {
    for (let at = 0; at < segment.length;) {
      const start = at
      at = entry.read(segment, at, segment.length)
      if (entry.isMessage(DICTIONARY)) pieces.push(segment.subarray(start, at))
    }
  }
  const [only] = pieces
  return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces)
}

function innerStart(request: Buffer): number {
  const entry = new Entry()
  entry.read(request, 0, request.length)
  return entry.start
}
