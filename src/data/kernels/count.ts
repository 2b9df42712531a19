import type { Signal } from '../signal.ts'
import { LENGTH } from '../wire/varint.ts'
import { Entry } from './entry.ts'

/**
 * Field numbers that lead from a request to its items: resources, scopes and records, in metrics the data points in
 * whichever kind of data the metric holds, in profiles the samples. Each is the same number in every signal.
 */
export const RESOURCES = 1
export const SCOPES = 2
export const RECORDS = 2
export const POINTS = 1
const SAMPLES = 2

const GAUGE = 5
const SUM = 7
const HISTOGRAM = 9
const EXPONENTIAL_HISTOGRAM = 10
const SUMMARY = 11

/** Whether a field of a metric is a member of its oneof `data`, and so holds its points. */
export function holdsPoints(field: number): boolean {
  return field === GAUGE || field === SUM || field === HISTOGRAM || field === EXPONENTIAL_HISTOGRAM || field === SUMMARY
}

const entry = new Entry()

/**
 * Items in an export request: spans, data points, log records or samples. Reads only the containers and steps over the
 * records by their lengths, so it costs next to nothing. Throws `Malformed` where the containers do not fit together;
 * what is inside the records only `validate` looks at.
 */
export function count(signal: Signal, buffer: Buffer): number {
  let items = 0
  for (let at = 0; at < buffer.length;) {
    at = entry.read(buffer, at, buffer.length)
    if (entry.isMessage(RESOURCES)) items += inResource(signal, buffer, entry.start, entry.end)
  }
  return items
}

function inResource(signal: Signal, buffer: Buffer, start: number, end: number): number {
  let items = 0
  for (let at = start; at < end;) {
    at = entry.read(buffer, at, end)
    if (entry.isMessage(SCOPES)) items += inScope(signal, buffer, entry.start, entry.end)
  }
  return items
}

function inScope(signal: Signal, buffer: Buffer, start: number, end: number): number {
  if (signal === 'traces' || signal === 'logs') return entriesOf(RECORDS, buffer, start, end)
  let items = 0
  for (let at = start; at < end;) {
    at = entry.read(buffer, at, end)
    if (!entry.isMessage(RECORDS)) continue
    if (signal === 'metrics') items += countPoints(buffer, entry.start, entry.end)
    else items += countSamples(buffer, entry.start, entry.end)
  }
  return items
}

/**
 * Points of one metric. Of a oneof that was written more than once the last member counts; the same member again adds
 * to it.
 */
export function countPoints(buffer: Buffer, start: number, end: number): number {
  let points = 0
  let kind = 0
  for (let at = start; at < end;) {
    at = entry.read(buffer, at, end)
    const field = entry.field
    if (!holdsPoints(field) || !entry.isMessage(field)) continue
    if (field !== kind) points = 0
    kind = field
    points += entriesOf(POINTS, buffer, entry.start, entry.end)
  }
  return points
}

/** Samples of one profile. */
export function countSamples(buffer: Buffer, start: number, end: number): number {
  return entriesOf(SAMPLES, buffer, start, end)
}

function entriesOf(field: number, buffer: Buffer, start: number, end: number): number {
  const tag = (field << 3) | LENGTH
  let entries = 0
  // `| 0` keeps places small integers for the compiler.
  for (let at = start | 0; at < end;) {
    // Most are shorter than 16 KiB, so that their lengths have one or two bytes: read here, where nothing is noted of
    // them.
    if (at + 2 < end && buffer[at] === tag) {
      const low = buffer[at + 1]!
      const high = buffer[at + 2]!
      const next = low < 0x80 ? at + 2 + low : at + 3 + (low & 0x7f) + (high << 7)
      if ((low < 0x80 || high < 0x80) && next <= end) {
        entries++
        at = next
        continue
      }
    }
    at = entry.read(buffer, at, end) | 0
    if (entry.isMessage(field)) entries++
  }
  return entries
}
