import type { Batch } from '../../batch.ts'
import type { ByteBudget } from '../../memory/byte-budget.ts'
import { Malformed } from '../../wire/malformed.ts'
import { LENGTH } from '../../wire/varint.ts'
import { countSamples, RECORDS, RESOURCES, SCOPES } from '../count.ts'
import { Entry } from '../entry.ts'
import { joined } from './merge-profiles.ts'
import { typeOf } from './references.ts'
import { DICTIONARY, Source } from './source.ts'
import { Target } from './target.ts'

const RESOURCE_PROFILES = typeOf('ResourceProfiles')
const SCOPE_PROFILES = typeOf('ScopeProfiles')
const PROFILE = typeOf('Profile')
const RESOURCES_TAG = (RESOURCES << 3) | LENGTH
const SCOPES_TAG = (SCOPES << 3) | LENGTH
const PROFILES_TAG = (RECORDS << 3) | LENGTH

/** What is told apart in one batch, at about a hundred bytes each: profiles without a sample are two bytes on the wire. */
const MOST_UNITS = 256 * 1024

/** A message of the input: where its contents are. */
interface Piece {
  readonly start: number
  readonly end: number
}

/** What goes into one part or another, but is never taken apart: a profile, or a resource or scope that has none. */
interface Unit {
  readonly resource: Piece
  readonly scope: Piece | undefined
  readonly profile: Piece | undefined
  readonly samples: number
}

const source = new Source()
const target = new Target()

/**
 * Splits profiles into parts within the limits, as `split` does. Each part has a dictionary of its own with what its
 * profiles refer to. A profile is never taken apart, as its id and its original payload speak of the whole: one that is
 * larger than a part may be makes a part of its own. Throws `Malformed` where there are too many profiles to hold apart.
 */
export function splitProfiles(batch: Batch<'profiles'>, items: number, bytes: number): Batch<'profiles'>[] {
  const parts: Batch<'profiles'>[] = []
  try {
    source.open(joined(batch))
    const units = unitsOf(source.buffer)
    for (let first = 0; first < units.length;) {
      const end = endOfPart(units, first, items, bytes)
      parts.push(part(units, first, end, batch.budget))
      first = end
    }
    return parts
  } catch (error) {
    for (const each of parts) each.release()
    throw error
  } finally {
    source.close()
    target.clear()
  }
}

/** Throws `Malformed` where there are too many. */
function unitsOf(buffer: Buffer): Unit[] {
  const units: Unit[] = []
  for (const unit of eachUnit(buffer)) {
    if (units.push(unit) > MOST_UNITS) throw new Malformed(`more than ${MOST_UNITS} profiles to be told apart`, 0)
  }
  return units
}

function* eachUnit(buffer: Buffer): Generator<Unit> {
  for (const resource of messagesIn(buffer, { start: 0, end: buffer.length }, RESOURCES)) {
    let hasScope = false
    for (const scope of messagesIn(buffer, resource, SCOPES)) {
      hasScope = true
      let hasProfile = false
      for (const profile of messagesIn(buffer, scope, RECORDS)) {
        hasProfile = true
        yield { resource, scope, profile, samples: countSamples(buffer, profile.start, profile.end) }
      }
      if (!hasProfile) yield { resource, scope, profile: undefined, samples: 0 }
    }
    if (!hasScope) yield { resource, scope: undefined, profile: undefined, samples: 0 }
  }
}

function* messagesIn(buffer: Buffer, { start, end }: Piece, field: number): Generator<Piece> {
  const entry = new Entry()
  for (let at = start; at < end;) {
    at = entry.read(buffer, at, end)
    if (entry.isMessage(field)) yield { start: entry.start, end: entry.end }
  }
}

/** Where the part that begins with unit `first` ends. */
function endOfPart(units: readonly Unit[], first: number, items: number, bytes: number): number {
  let end = first
  let samples = 0
  for (; end < units.length; end++) {
    samples += units[end]!.samples
    if (samples > items && end > first) break
  }
  return bytes === Infinity ? end : endWithin(units, first, end, bytes)
}

/** As many of the units from `first` to `last` as have room in `bytes`, one at least: they are written to know. */
function endWithin(units: readonly Unit[], first: number, last: number, bytes: number): number {
  const writer = new PartWriter()
  for (let end = first; end < last; end++) {
    writer.write(units[end]!)
    if (end > first && writer.size > bytes) return end
  }
  return last
}

function part(units: readonly Unit[], first: number, end: number, budget: ByteBudget | undefined): Batch<'profiles'> {
  const writer = new PartWriter()
  let samples = 0
  if (first === 0) writer.unknown()
  for (let index = first; index < end; index++) {
    writer.write(units[index]!)
    samples += units[index]!.samples
  }
  writer.close()
  return target.build(samples, budget)
}

/** Writes units into the one target, with the resource and scope around them. */
class PartWriter {
  #resource: Piece | undefined
  #resourceAt = 0
  #scope: Piece | undefined
  #scopeAt = 0

  constructor() {
    target.clear()
    source.forget()
  }

  /** As it would be if it ended now; headers that are still open may lack a few bytes of their length. */
  get size(): number {
    return target.size + (this.#scope === undefined ? 0 : OPEN_ROOM) + (this.#resource === undefined ? 0 : OPEN_ROOM)
  }

  write({ resource, scope, profile }: Unit): void {
    if (resource !== this.#resource) this.#openResource(resource)
    if (scope !== undefined && scope !== this.#scope) this.#openScope(scope)
    if (profile !== undefined) target.take(source, PROFILES_TAG, PROFILE, profile.start, profile.end)
  }

  /** What stands beside resources and dictionary, and nobody knows, stays with the first part. */
  unknown(): void {
    const entry = new Entry()
    const { buffer } = source
    for (let at = 0; at < buffer.length;) {
      const before = at
      at = entry.read(buffer, at, buffer.length)
      if (entry.field !== RESOURCES && entry.field !== DICTIONARY) target.records.copy(buffer, before, at)
    }
  }

  close(): void {
    this.#closeScope()
    if (this.#resource !== undefined) target.records.close(this.#resourceAt, 0)
    this.#resource = undefined
  }

  #openResource(resource: Piece): void {
    this.close()
    this.#resource = resource
    this.#resourceAt = target.records.open(RESOURCES_TAG, 0)
    target.rewrite(target.records, source, RESOURCE_PROFILES, resource.start, resource.end, 2, SCOPES_TAG)
  }

  #openScope(scope: Piece): void {
    this.#closeScope()
    this.#scope = scope
    this.#scopeAt = target.records.open(SCOPES_TAG, 0)
    target.rewrite(target.records, source, SCOPE_PROFILES, scope.start, scope.end, 3, PROFILES_TAG)
  }

  #closeScope(): void {
    if (this.#scope !== undefined) target.records.close(this.#scopeAt, 0)
    this.#scope = undefined
  }
}

/** By this many bytes the length of an open message may still grow. */
const OPEN_ROOM = 4
