import type { WireWriter } from '../wire/wire-writer.ts'
import { type Attributes, signed64, writeAttributes } from './attributes.ts'
import { type Identifier, writeSpanId, writeTraceId } from './identifiers.ts'

/** Time of a point, where it is not the builder's. Nanoseconds since 1970. */
export interface Times {
  readonly time?: bigint | undefined
  /** When accumulation began: for sums and histograms. */
  readonly start?: bigint | undefined
}

export interface PointOptions extends Times {
  readonly exemplars?: readonly ExemplarFields[] | undefined
  /** 1 marks a point without a recorded value: the series has ended. */
  readonly flags?: number | undefined
}

export interface ExemplarFields {
  /** A bigint stands for an integer, a number for a double. */
  readonly value: number | bigint
  readonly time?: bigint | undefined
  readonly spanId?: Identifier | undefined
  readonly traceId?: Identifier | undefined
  /** Attributes that the aggregation left out. */
  readonly attributes?: Attributes | undefined
}

/** A histogram's point. `counts` has one element more than `bounds`, or both are empty. */
export interface HistogramPoint {
  /** The sum of `counts`, where it is left out. */
  readonly count?: number | bigint | undefined
  readonly sum?: number | undefined
  readonly min?: number | undefined
  readonly max?: number | undefined
  readonly bounds: readonly number[]
  readonly counts: readonly (number | bigint)[]
}

/** A point whose buckets' bounds are powers of 2^(2^-scale). */
export interface ExponentialHistogramPoint {
  readonly count: number | bigint
  readonly sum?: number | undefined
  readonly min?: number | undefined
  readonly max?: number | undefined
  readonly scale: number
  readonly zeroCount?: number | bigint | undefined
  readonly zeroThreshold?: number | undefined
  readonly positive?: Buckets | undefined
  readonly negative?: Buckets | undefined
}

export interface Buckets {
  readonly offset: number
  readonly counts: readonly (number | bigint)[]
}

export interface SummaryPoint {
  readonly count: number | bigint
  readonly sum: number
  /** Pairs of a quantile (0 to 1) and its value. */
  readonly quantiles: readonly (readonly [quantile: number, value: number])[]
}

/** Everything that is written of one point. */
export interface Point<P> {
  readonly value: P
  readonly time: bigint
  readonly start: bigint
  readonly attributes: Attributes | undefined
  readonly options: PointOptions
}

const POINTS = 1

/** `as_double` for a number, `as_int` for a bigint. */
export function writeNumberPoint(writer: WireWriter, point: Point<number | bigint>): void {
  const { value, attributes, options } = point
  writer.open(POINTS)
  writeTimes(writer, point)
  if (typeof value === 'number') writer.double(4, value)
  writeExemplars(writer, 5, options.exemplars)
  if (typeof value === 'bigint') writer.fixed64(6, signed64(value))
  if (attributes !== undefined) writeAttributes(writer, 7, attributes)
  if (options.flags) writer.int(8, options.flags)
  writer.close()
}

/** `as_int` for both; a number must be whole and within 2^53. */
export function writeIntegerPoint(writer: WireWriter, point: Point<number | bigint>): void {
  const { value, attributes, options } = point
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new RangeError(`a metric of integers cannot take ${value}`)
  }
  writer.open(POINTS)
  writeTimes(writer, point)
  writeExemplars(writer, 5, options.exemplars)
  if (typeof value === 'bigint') writer.fixed64(6, signed64(value))
  else writer.sfixed64(6, value)
  if (attributes !== undefined) writeAttributes(writer, 7, attributes)
  if (options.flags) writer.int(8, options.flags)
  writer.close()
}

export function writeHistogramPoint(writer: WireWriter, point: Point<HistogramPoint>): void {
  const { value, attributes, options } = point
  const { sum, min, max, bounds, counts } = value
  if (counts.length !== (counts.length === 0 && bounds.length === 0 ? 0 : bounds.length + 1)) {
    throw new RangeError(`a histogram of ${bounds.length} bounds has ${bounds.length + 1} counts, got ${counts.length}`)
  }
  writer.open(POINTS)
  writeTimes(writer, point)
  writeCount(writer, 4, value.count ?? total(counts))
  if (sum !== undefined) writer.double(5, sum)
  writer.packedFixed64(6, counts)
  writer.packedDoubles(7, bounds)
  writeExemplars(writer, 8, options.exemplars)
  if (attributes !== undefined) writeAttributes(writer, 9, attributes)
  if (options.flags) writer.int(10, options.flags)
  if (min !== undefined) writer.double(11, min)
  if (max !== undefined) writer.double(12, max)
  writer.close()
}

export function writeExponentialHistogramPoint(writer: WireWriter, point: Point<ExponentialHistogramPoint>): void {
  const { value, attributes, options } = point
  writer.open(POINTS)
  if (attributes !== undefined) writeAttributes(writer, 1, attributes)
  writeTimes(writer, point)
  writeCount(writer, 4, value.count)
  if (value.sum !== undefined) writer.double(5, value.sum)
  if (value.scale !== 0) writer.sint(6, value.scale)
  writeCount(writer, 7, value.zeroCount ?? 0)
  if (value.positive !== undefined) writeBuckets(writer, 8, value.positive)
  if (value.negative !== undefined) writeBuckets(writer, 9, value.negative)
  if (options.flags) writer.int(10, options.flags)
  writeExemplars(writer, 11, options.exemplars)
  if (value.min !== undefined) writer.double(12, value.min)
  if (value.max !== undefined) writer.double(13, value.max)
  if (value.zeroThreshold) writer.double(14, value.zeroThreshold)
  writer.close()
}

export function writeSummaryPoint(writer: WireWriter, point: Point<SummaryPoint>): void {
  const { value, attributes, options } = point
  writer.open(POINTS)
  writeTimes(writer, point)
  writeCount(writer, 4, value.count)
  if (value.sum !== 0) writer.double(5, value.sum)
  for (const [quantile, atQuantile] of value.quantiles) {
    writer.open(6)
    if (quantile !== 0) writer.double(1, quantile)
    if (atQuantile !== 0) writer.double(2, atQuantile)
    writer.close()
  }
  if (attributes !== undefined) writeAttributes(writer, 7, attributes)
  if (options.flags) writer.int(8, options.flags)
  writer.close()
}

function writeTimes(writer: WireWriter, { start, time }: Point<unknown>): void {
  if (start !== 0n) writer.fixed64(2, start)
  if (time !== 0n) writer.fixed64(3, time)
}

function writeCount(writer: WireWriter, field: number, count: number | bigint): void {
  if (typeof count === 'bigint') {
    if (count !== 0n) writer.fixed64(field, count)
  } else if (count !== 0) writer.sfixed64(field, count)
}

function writeBuckets(writer: WireWriter, field: number, { offset, counts }: Buckets): void {
  writer.open(field)
  if (offset !== 0) writer.sint(1, offset)
  writer.packedInt64(2, counts)
  writer.close()
}

function writeExemplars(writer: WireWriter, field: number, exemplars: readonly ExemplarFields[] | undefined): void {
  if (exemplars === undefined) return
  for (const { value, time, spanId, traceId, attributes } of exemplars) {
    writer.open(field)
    if (time) writer.fixed64(2, time)
    if (typeof value === 'number') writer.double(3, value)
    writeSpanId(writer, 4, spanId)
    writeTraceId(writer, 5, traceId)
    if (typeof value === 'bigint') writer.fixed64(6, signed64(value))
    if (attributes !== undefined) writeAttributes(writer, 7, attributes)
    writer.close()
  }
}

function total(counts: readonly (number | bigint)[]): bigint {
  let sum = 0n
  for (const count of counts) sum += BigInt(count)
  return sum
}
