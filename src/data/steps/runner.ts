import { overdrawnSlab, WireBatch, type Batch, type Segment } from '../batch.ts'
import { Slab } from '../memory/slab.ts'
import type { Signal } from '../signal.ts'
import { notes } from '../wire/notes.ts'
import type { Lookup } from './given.ts'
import type { Program } from './program.ts'

export interface Ran<S extends Signal = Signal> {
  /** What is left; undefined where everything was dropped. */
  readonly batch: Batch<S> | undefined
  /** Items that were dropped. */
  readonly dropped: number
}

/** What became of one segment: bytes of the arena, or the segment as it was. */
interface Piece {
  readonly source: number
  readonly start: number
  readonly end: number
}
const UNCHANGED = -1

/**
 * Runs a program over a batch of its signal. The batch is borrowed: it is neither changed nor released. What comes back
 * is a new reference, which the caller releases: to the batch itself where nothing changed, else to a new one charged
 * to the same budget, which shares the segments that did not change.
 *
 * `lookup` says what is known of the batch besides, asked once for each key that the steps name.
 *
 * Throws `StepFailed` where a hook throws, `Malformed` where the bytes are no request, `Overdrawn` where the budget has
 * no room for the result; then nothing was kept.
 */
export function run<S extends Signal>(program: Program, batch: Batch<S>, lookup: Lookup = NOTHING): Ran<S> {
  if (program.signal !== batch.signal) throw new Error(`steps for ${program.signal} were run over ${batch.signal}`)
  const { arena, constants, visits, wishes, droppedBy, ends } = program
  // A loop: calling `fill` costs more than a short array.
  for (let step = 0; step < droppedBy.length; step++) droppedBy[step] = 0
  if (visits.length === 0) return { batch: batch.retain(), dropped: 0 }
  if (arena.isOpen) throw new Error('a hook ran the program that it is part of')
  for (const given of program.givens) given.value = lookup(given.key)
  arena.open(batch.bytes * 2 + constants.length)
  try {
    arena.constants = arena.load(constants)
    const pieces: Piece[] = []
    const segments = batch.segments()
    let dropped = 0
    let changed = false
    let isNoted = batch instanceof WireBatch && notes.have(wishes, batch)
    for (let source = 0; source < segments.length; source++) {
      let start = arena.load(segments[source]!)
      let end = arena.used
      let isNew = false
      for (const visit of visits) {
        const touched = visit.walk(start, end, isNoted)
        isNoted = false
        dropped += visit.dropped
        if (!touched) continue
        start = visit.write()
        end = arena.used
        isNew = true
      }
      changed ||= isNew
      if (start !== end) pieces.push({ source, start: isNew ? start : UNCHANGED, end })
    }
    if (!changed) return { batch: batch.retain(), dropped: 0 }
    const items = batch.items - dropped
    if (pieces.length === 0 || (items === 0 && dropped > 0)) return { batch: undefined, dropped }
    return { batch: assembled(program, batch, pieces, items), dropped }
  } finally {
    arena.close()
    for (const end of ends) end()
  }
}

const NOTHING: Lookup = () => undefined

/** A batch of all that is new, in one slab, and of the segments that are as they were. */
function assembled<S extends Signal>(
  program: Program,
  batch: Batch<S>,
  pieces: readonly Piece[],
  items: number,
): Batch<S> {
  const { buffer } = program.arena
  let bytes = 0
  for (const { start, end } of pieces) if (start !== UNCHANGED) bytes += end - start
  const slab = bytes === 0 ? undefined : overdrawnSlab(bytes, batch.budget)
  const parts: Segment[] = []
  let at = 0
  for (const { source, start, end } of pieces) {
    if (start === UNCHANGED || slab === undefined) parts.push(shared(batch, source))
    else {
      const from = at
      slab.buffer.set(buffer.subarray(start, end), at)
      at += end - start
      parts.push({ slab: slab.retain(), buffer: slab.buffer.subarray(from, at) })
    }
  }
  slab?.release()
  return new WireBatch(batch.signal, items, parts)
}

function shared(batch: Batch, index: number): Segment {
  if (batch instanceof WireBatch) {
    const { slab, buffer } = batch.parts[index]!
    return { slab: slab.retain(), buffer }
  }
  const buffer = Buffer.from(batch.segments()[index]!)
  return { slab: new Slab(buffer), buffer }
}
