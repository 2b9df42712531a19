/** Damaged requests, the same ones in every run. */

export type Random = (below: number) => number

export function randomFrom(seed: number): Random {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return Math.floor(((state >>> 0) / 2 ** 32) * below)
  }
}

/** Bytes that mean much on the wire. */
const TELLING = [0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x0b, 0x12]

/** A copy in which up to three places are changed, removed, doubled or overwritten by others. */
export function mutate(whole: Buffer, random: Random): Buffer {
  let bytes = Buffer.concat([whole])
  for (let times = 1 + random(3); times > 0; times--) {
    const at = random(bytes.length)
    const length = 1 + random(12)
    const kind = random(6)
    if (kind === 0) bytes[at] = random(256)
    else if (kind === 1) bytes[at] = TELLING[random(TELLING.length)]!
    else if (kind === 2) bytes[at]! ^= 1 << random(8)
    else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
    else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)])
    else bytes.copyWithin(at, random(bytes.length), random(bytes.length))
  }
  return bytes
}
