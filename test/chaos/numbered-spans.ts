import { traces } from '../../src/data/builders/traces.ts'

/** Every span id is this mark and the span's number, so that a sink can tell which spans it got without decoding. */
const MARK = Buffer.from('1208face', 'hex')
const NUMBER_AT = 4

/** A request of numbered spans, with a dozen attributes each; the numbers are patched in for each send. */
export class NumberedSpans {
  readonly size: number
  readonly #payload: Buffer
  readonly #offsets: number[]

  constructor(size: number) {
    this.size = size
    const builder = traces({ 'service.name': 'storm', 'host.name': 'storm-1', 'deployment.environment.name': 'test' })
    for (let index = 0; index < size; index++)
      builder.span({
        traceId: `${index}`.padStart(32, '5'),
        spanId: 'face000000000000',
        name: `GET /cart/${index % 10}`,
        kind: 2,
        start: 1_760_000_000_000_000_000n,
        end: 1_760_000_000_100_000_000n,
        attributes: Object.fromEntries(
          Array.from({ length: 12 }, (_, each) => [`attribute.number.${each}`, `value ${each} of span ${index}`]),
        ),
      })
    this.#payload = Buffer.concat(builder.finish().segments())
    this.#offsets = marksIn(this.#payload)
    if (this.#offsets.length !== size) throw new Error(`${this.#offsets.length} marks for ${size} spans`)
  }

  /** The request whose spans are `first`, `first + 1`, …; valid until the next call. */
  from(first: number): Buffer {
    this.#offsets.forEach((offset, index) => this.#payload.writeUIntBE(first + index, offset, 6))
    return this.#payload
  }
}

/** The numbers of all spans in a request. */
export const numbersIn = (request: Buffer): number[] => marksIn(request).map((offset) => request.readUIntBE(offset, 6))

function marksIn(request: Buffer): number[] {
  const offsets: number[] = []
  for (let at = request.indexOf(MARK); at >= 0; at = request.indexOf(MARK, at + MARK.length + 6))
    offsets.push(at + NUMBER_AT)
  return offsets
}
