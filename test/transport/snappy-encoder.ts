/**
 * A block of the snappy format with literals and copies of every kind, for tests: greedy, from a table of the last place of
 * each four bytes.
 */
export function snappy(body: Buffer): Buffer {
  const out: number[] = []
  for (let rest = body.length; ; rest = Math.floor(rest / 128)) {
    out.push(rest >= 128 ? (rest % 128) | 128 : rest)
    if (rest < 128) break
  }
  const places = new Map<number, number>()
  let from = 0
  let at = 0
  const literal = (end: number) => {
    while (from < end) {
      const size = Math.min(end - from, 65_536)
      if (size <= 60) out.push((size - 1) << 2)
      else if (size <= 256) out.push(60 << 2, size - 1)
      else out.push(61 << 2, (size - 1) & 255, (size - 1) >>> 8)
      for (let i = 0; i < size; i++) out.push(body[from + i]!)
      from += size
    }
  }
  while (at + 4 <= body.length) {
    const key = body.readUInt32LE(at)
    const place = places.get(key)
    places.set(key, at)
    if (place === undefined || at - place > 1_000_000) {
      at++
      continue
    }
    let size = 4
    while (size < 64 && at + size < body.length && body[place + size] === body[at + size]) size++
    literal(at)
    const offset = at - place
    if (size <= 11 && offset < 2048) out.push(1 | ((size - 4) << 2) | ((offset >>> 8) << 5), offset & 255)
    else if (offset < 65_536) out.push(2 | ((size - 1) << 2), offset & 255, offset >>> 8)
    else out.push(3 | ((size - 1) << 2), offset & 255, (offset >>> 8) & 255, (offset >>> 16) & 255, 0)
    at += size
    from = at
  }
  literal(body.length)
  return Buffer.from(out)
}
