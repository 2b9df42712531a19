import type { Refused } from '../../component/refused.ts'
import type { ArrivingShare } from './arriving-bytes.ts'

/** What a stream asks of its connection. */
export interface StreamHome<Stream> {
  readonly peer: string
  /** Bytes of a message. */
  readonly largest: number
  /** Milliseconds that a message may take to arrive. */
  readonly patience: number
  /** What messages are charged to until their methods have them. */
  readonly arriving: ArrivingShare
  /** The message is whole: it is handed over when the chunk is read. */
  complete(stream: Stream): void
  /** Ends the stream with a status. */
  refuse(stream: Stream, refused: Refused): void
  /** The same, of whatever was thrown. */
  failed(stream: Stream, error: unknown): void
  /** Ends it with RST_STREAM, for a fault of the client. */
  fault(stream: Stream, code: number): void
  /** Lets the client send so many bytes more on it. */
  credit(stream: Stream, bytes: number): void
  /** It is to be looked at then. */
  due(at: number): void
}
