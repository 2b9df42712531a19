import { HeaderDecoder } from '../../../../src/transport/http2/hpack/decoder.ts'
import type { DecoderLimits } from '../../../../src/transport/http2/hpack/decoder.ts'
import type { HeaderField, HeaderList } from '../../../../src/transport/http2/hpack/header-list.ts'

export const LIMITS: DecoderLimits = { tableSize: 4096, listSize: 16_384 }

export const decoder = (limits: Partial<DecoderLimits> = {}): HeaderDecoder =>
  new HeaderDecoder({ ...LIMITS, ...limits })

export const octets = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')

export const decode = (by: HeaderDecoder, block: Buffer): HeaderList => by.decode(block, 0, block.length)

export const pairs = (fields: readonly HeaderField[]): [string, string][] =>
  fields.map(({ name, value }) => [name, value])

/** A literal without indexing (`head` 0), never indexed (0x10) or to be put into the table (0x40), with a new name and no Huffman coding. */
export function literal(head: number, name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(head), text(name), text(value)])
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}
