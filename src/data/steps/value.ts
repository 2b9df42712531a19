/** Where a step acts. Field names at each level are those of the OTLP protobuf definitions, in snake_case. */
export type RecordLevel =
  | 'resource'
  | 'scope'
  | 'span'
  | 'spanEvent'
  | 'spanLink'
  | 'metric'
  | 'dataPoint'
  | 'exemplar'
  | 'logRecord'
  | 'profile'
  | 'sample'

/**
 * A value as attributes hold it. An integral `number` stands for an int, another one for a double; `double(1)` makes a
 * double of an integral number. Ints beyond 2^53 are bigints.
 */
export type Value =
  string | number | bigint | boolean | Double | Uint8Array | readonly Value[] | ReadonlyMap<string, Value>

export class Double {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
  toJSON(): number {
    return this.value
  }
}
export const double = (value: number): Double => new Double(value)
