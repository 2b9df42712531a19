import type { RecordLevel, Value } from '../steps/value.ts'

/**
 * What a hook sees of one record: a flyweight over bytes, valid during the hook's call only. The concrete views
 * (`Span`, `Metric`, `DataPoint`, `LogRecord`, `Resource`, …) add typed fields.
 */
export interface RecordView {
  readonly level: RecordLevel
  readonly attributes: AttributesView
}

/** Attributes of a record. Keys are unique; of a repeated key the first is seen, and edits remove the others. */
export interface AttributesView {
  get(key: string): Value | undefined
  has(key: string): boolean
  /** Whether the attribute is there and equals `value`; compares bytes, and makes no object. */
  is(key: string, value: string | number | boolean): boolean
  /** Adds or replaces. */
  set(key: string, value: Value): void
  /** Adds where absent; says whether it did. */
  insert(key: string, value: Value): boolean
  /** Says whether it was there. */
  delete(key: string): boolean
  keys(): Iterable<string>
  toObject(): Record<string, Value>
}
