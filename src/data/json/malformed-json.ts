/** Bytes that are no OTLP/JSON request. Sending them again is of no use. */
export class MalformedJson extends Error {
  /** Like `resourceSpans[0].scopeSpans[0].spans[3].kind`; empty where it is the request itself. */
  readonly path: string
  readonly reason: string
  /** Where it was noticed, in bytes from the beginning. */
  readonly offset: number

  constructor(reason: string, offset: number, path = '') {
    super(`malformed OTLP/JSON at byte ${offset}: ${path === '' ? 'the request' : path} ${reason}`)
    this.name = 'MalformedJson'
    this.path = path
    this.reason = reason
    this.offset = offset
  }

  /** The same fault with the place that it is at. */
  at(path: string): MalformedJson {
    return new MalformedJson(this.reason, this.offset, path)
  }
}
