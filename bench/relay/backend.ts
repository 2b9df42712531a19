/** What a sink makes of what arrives. */
export interface Backend {
  /** A whole, plain message: the bytes between `start` and `end`, valid during the call. */
  arrived(bytes: Buffer, start: number, end: number): void
  fault(why: string): void
}
