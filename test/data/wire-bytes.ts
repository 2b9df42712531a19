/** Wire bytes made by hand, for what no encoder would write. */

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(rest)])
}

export function tag(field: number, wireType: number): Buffer {
  return varint(field * 8 + wireType)
}

/** A length-delimited field: a message, a string, bytes or packed numbers. */
export function embed(field: number, ...content: readonly (Buffer | string)[]): Buffer {
  const bytes = Buffer.concat(content.map((piece) => Buffer.from(piece as string)))
  return Buffer.concat([tag(field, 2), varint(bytes.length), bytes])
}

export function number(field: number, value: number | bigint): Buffer {
  return Buffer.concat([tag(field, 0), varint(value)])
}

export function fixed64(field: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return Buffer.concat([tag(field, 1), bytes])
}

/** A request with one resource, one scope and in it one record, span or metric of these bytes. */
export function inRecord(...content: readonly Buffer[]): Buffer {
  return embed(1, embed(2, embed(2, ...content)))
}

/** A `KeyValue` with a string. */
export function attribute(field: number, key: string, value: string): Buffer {
  return embed(field, embed(1, key), embed(2, embed(1, value)))
}
