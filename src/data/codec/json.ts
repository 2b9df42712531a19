/**
 * OTLP in the shape of its JSON encoding, as https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding defines
 * it: names in lowerCamelCase, trace and span ids in hexadecimal, other bytes in base64, enums as integers, 64-bit
 * integers as decimal strings, doubles that JSON has no number for as `"NaN"`, `"Infinity"` and `"-Infinity"`.
 */
export interface JsonObject {
  [name: string]: JsonValue
}

export type JsonValue = string | number | boolean | JsonObject | JsonValue[]

/** An object that is no OTLP/JSON: `path` says where, like `resourceSpans[0].scopeSpans[0].spans[3].kind`. */
export class MalformedObject extends Error {
  readonly path: string
  readonly reason: string

  constructor(path: string, reason: string) {
    super(`malformed OTLP/JSON: ${path === '' ? 'the request' : path} ${reason}`)
    this.name = 'MalformedObject'
    this.path = path
    this.reason = reason
  }
}
