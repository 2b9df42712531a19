/** Bytes that are no OTLP protobuf message. Sending them again is of no use. */
export class Malformed extends Error {
  readonly reason: string
  /** Where in the buffer it was noticed, in bytes from its beginning. */
  readonly offset: number

  constructor(reason: string, offset: number) {
    super(`malformed protobuf at byte ${offset}: ${reason}`)
    this.name = 'Malformed'
    this.reason = reason
    this.offset = offset
  }
}
