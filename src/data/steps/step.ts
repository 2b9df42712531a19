/**
 * The record language: whatever looks at one record at a time says so in steps, and the engine runs a whole chain of
 * them in one visit and one rewrite. Conditions and edits are data, so that the runner compiles them to closures over
 * bytes; what they cannot say, a hook over a view can.
 */

import type { Mode } from '../sampling/decision.ts'
import type { RecordView } from '../views/record-view.ts'
import type { RecordLevel, Value } from './value.ts'

export { Double, double } from './value.ts'
export type { RecordLevel, Value } from './value.ts'

/** Returned by a hook to drop the record, and with it all that is inside. */
export const DROP = Symbol('drop')

export interface Step {
  readonly on: RecordLevel
  /** The step applies where this holds; always, when absent. */
  readonly when?: Condition
  /** Several edits happen in order, and `when` is looked at once, before the first. */
  readonly act: Edit | readonly Edit[] | Hook
}

/**
 * Looks at or changes one record through a view, which is valid during the call only. Returns `DROP` to drop the
 * record. What encloses the record, and what is inside, can only be looked at there. Must not be async. A throw refuses
 * the delivery (permanently) and is reported as the component's.
 */
export type Hook = (record: RecordView) => typeof DROP | void

/**
 * A place in a record or in one that encloses it: `on` absent means the step's own level. A `field` is the protobuf
 * name of a singular field (`name`, `kind`, `trace_id`, `severity_number`, `body`, `status.code`, …); `attribute` a key
 * of the level's attributes. Ids read as lower-case hex, enums as integers, times as bigint, an AnyValue as its value.
 * A data point's `value` is `as_double` or `as_int`. `type` of a metric is `gauge | sum | histogram |
 * exponential_histogram | summary`; its attributes are its metadata. Of a profile `sample_type.type`, `sample_type.unit`
 * and those of `period_type` read as their texts; indices into its dictionary cannot be read or changed.
 *
 * A field without presence (most of them: names, kinds, ids, times) that is not on the wire compares as its default,
 * and exists only where it differs from it.
 */
export type Path =
  { readonly on?: RecordLevel; readonly field: string } | { readonly on?: RecordLevel; readonly attribute: string }

/**
 * What a pattern must offer: V8's RegExp does, and so does a linear-time engine where V8's is not safe. Never global or
 * sticky.
 */
export interface Pattern {
  test(text: string): boolean
  exec(text: string): { readonly groups?: Readonly<Record<string, string | undefined>> | undefined } | null
}

export type Condition =
  | { readonly kind: 'literal'; readonly value: boolean }
  | { readonly kind: 'exists'; readonly path: Path }
  /**
   * An absent place is unequal to everything and neither less nor greater; so are values of different kinds. Ints and
   * doubles compare as numbers, unless `typed`: then only the same kind is equal, and arrays and maps are where all in
   * them is.
   */
  | {
      readonly kind: 'compare'
      readonly path: Path
      readonly operator: Comparison
      readonly value: Value
      readonly typed?: true
    }
  /**
   * Matches strings only, unless `text` says what else is matched by its text, as the Collector writes it: with
   * `scalars` bools (`true`), ints (`12`) and doubles (`0.5`), with `all` also bytes (base64), arrays and maps (JSON
   * with sorted keys) and empty values (nothing). Absent never matches.
   */
  | { readonly kind: 'matches'; readonly path: Path; readonly pattern: Pattern; readonly text?: 'scalars' | 'all' }
  /**
   * Consistent sampling: true for the share `ratio` (0 to 1) of all values of `path`, the same for the same value and
   * `seed` (32-bit). False where absent.
   */
  | { readonly kind: 'sampled'; readonly path: Path; readonly ratio: number; readonly seed: number }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='

/**
 * A literal, what stands at another place (copied as bytes, so that its type survives), or what is known of the sender of
 * the batch: `given` is a key that whoever runs the steps looks up once for each batch. Where place or key have nothing,
 * `otherwise` is set, or else nothing.
 */
export type Source =
  | { readonly value: Value }
  | { readonly path: Path; readonly otherwise?: Value }
  | { readonly given: string; readonly otherwise?: Value }

export type Edit =
  /** `insert` only where absent, `update` only where present, `upsert` either way. */
  | { readonly kind: 'insert' | 'update' | 'upsert'; readonly path: Path; readonly source: Source }
  | { readonly kind: 'delete'; readonly path: Path }
  /** Deletes every attribute of the step's level (or `on`) whose key matches. */
  | { readonly kind: 'delete_matching'; readonly on?: RecordLevel; readonly pattern: Pattern }
  /**
   * Replaces the value by its lower-case hex digest. Hashed are: a string's UTF-8, an int's and a double's 8 bytes
   * little-endian (the double's bits), a bool's one byte, as the Collector hashes them; any other value becomes the
   * empty string.
   */
  | { readonly kind: 'hash'; readonly path: Path; readonly algorithm: 'sha1' | 'sha256' }
  /** Hashes every attribute of the step's level (or `on`) whose key matches. */
  | {
      readonly kind: 'hash_matching'
      readonly on?: RecordLevel
      readonly pattern: Pattern
      readonly algorithm: 'sha1' | 'sha256'
    }
  /** Upserts an attribute for each named group that matched, beside the string that it matched. */
  | { readonly kind: 'extract'; readonly path: Path; readonly pattern: Pattern }
  /**
   * Converts where the Collector's `convert` action does: to int, double or string; leaves alone what does not convert.
   */
  | { readonly kind: 'convert'; readonly path: Path; readonly to: 'int' | 'double' | 'string' }
  /** Moves an attribute to another key, over an existing one. */
  | { readonly kind: 'rename'; readonly path: Path; readonly to: string }
  | { readonly kind: 'drop' }
  /**
   * Keeps or drops a span or log record by probability, and writes to one that is kept what is to be known of that: to a span's
   * `tracestate` (`ot=th:…;rv:…`), to a log record's attributes `sampling.threshold` and `sampling.randomness`.
   */
  | { readonly kind: 'sample'; readonly sampling: Sampling }

/** How `sample` decides: as the Collector's `probabilistic_sampler`. */
export interface Sampling {
  readonly mode: Mode
  /** Whether records are dropped, not kept, for which it cannot be decided: without randomness, or with a trace state that cannot be true. */
  readonly failClosed: boolean
  /** Of `hash_seed`, 32 bits. */
  readonly seed: number
  /** Whether `hash_seed` hashes trace ids of log records; of spans it always does. */
  readonly byTraceId: boolean
  /** An attribute of log records that `hash_seed` hashes where there is no trace id, or it is not asked for. */
  readonly attribute?: string
  /** An attribute in which a log record says which percentage of its like is to be kept. */
  readonly priority?: { readonly attribute: string; readonly precision: number }
  /** Told after each run how many records were kept and dropped, by where their randomness came from. */
  readonly counted: (policy: string, kept: number, dropped: number) => void
}
