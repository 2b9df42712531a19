import { mutate } from '../mutate.ts'
import type { Random } from '../random.ts'
import { control } from './compose.ts'
import * as h2 from './frames.ts'
import type { Frame } from './frames.ts'

const MOST_MUTATIONS = 4
/** No conversation grows beyond so many frames. */
const MOST_FRAMES = 400
const LONGEST_FLOOD = 150
const LENGTHS = [0, 1, 4, 5, 8, 9, 16_384, 16_385, 2 ** 24 - 1]
const STREAMS = [0, 1, 2, 3, 5, 7, 99, 2 ** 31 - 1, 2 ** 32 - 1]

type Mutation = (frames: Frame[], random: Random, others: readonly Frame[]) => Frame[]

const at = (list: readonly unknown[], random: Random): number => random.below(list.length)

const changed = (frames: Frame[], random: Random, change: (frame: Frame) => Partial<Frame>): Frame[] => {
  if (frames.length === 0) return frames
  const index = at(frames, random)
  return frames.with(index, { ...(frames[index] as Frame), ...change(frames[index] as Frame) })
}

const MUTATIONS: readonly Mutation[] = [
  (frames, random) => changed(frames, random, () => ({ type: random.below(12) })),
  (frames, random) => changed(frames, random, ({ flags }) => ({ flags: flags ^ (1 << random.below(8)) })),
  (frames, random) => changed(frames, random, () => ({ flags: random.below(256) })),
  (frames, random) => changed(frames, random, () => ({ stream: random.pick(STREAMS) })),
  (frames, random) => changed(frames, random, ({ stream }) => ({ stream: stream + random.below(5) - 2 })),
  (frames, random) => changed(frames, random, () => ({ length: random.pick(LENGTHS) })),
  (frames, random) =>
    changed(frames, random, ({ payload }) => ({ length: Math.max(0, payload.length + random.below(9) - 4) })),
  (frames, random) =>
    changed(frames, random, ({ payload }) => ({ payload: mutate(payload, random, [payload]).subarray(0, 60_000) })),
  (frames, random) =>
    changed(frames, random, ({ payload }) => ({ payload: payload.subarray(0, random.below(payload.length + 1)) })),
  function remove(frames, random) {
    return frames.length === 0 ? frames : frames.toSpliced(at(frames, random), 1 + random.below(3))
  },
  function duplicate(frames, random) {
    if (frames.length === 0) return frames
    const from = at(frames, random)
    return frames.toSpliced(at(frames, random), 0, ...frames.slice(from, from + 1 + random.below(5)))
  },
  function swap(frames, random) {
    if (frames.length === 0) return frames
    const [left, right] = [at(frames, random), at(frames, random)]
    return frames.with(left, frames[right] as Frame).with(right, frames[left] as Frame)
  },
  function splice(frames, random, others) {
    if (others.length === 0) return frames
    const from = at(others, random)
    return frames.toSpliced(
      random.below(frames.length + 1),
      random.below(3),
      ...others.slice(from, from + 1 + random.below(6)),
    )
  },
  function insert(frames, random) {
    return frames.toSpliced(random.below(frames.length + 1), 0, control(random, random.pick(STREAMS)))
  },
  function flood(frames, random) {
    if (frames.length === 0) return frames
    const index = at(frames, random)
    const times = Array.from({ length: 1 + random.below(LONGEST_FLOOD) }, () => frames[index] as Frame)
    return frames.toSpliced(index, 0, ...times)
  },
  /** A payload in two frames of its kind, as only header blocks and data may be. */
  function tear(frames, random) {
    if (frames.length === 0) return frames
    const index = at(frames, random)
    const { type, flags, stream, payload } = frames[index] as Frame
    const cut = random.below(payload.length + 1)
    const rest = type === h2.DATA ? h2.DATA : h2.CONTINUATION
    const parts = [
      h2.frame(
        type,
        flags & ~(h2.END_HEADERS | (type === h2.DATA ? h2.END_STREAM : 0)),
        stream,
        payload.subarray(0, cut),
      ),
      h2.frame(rest, flags, stream, payload.subarray(cut)),
    ]
    return frames.toSpliced(index, 1, ...parts)
  },
]

/** Some frames are changed, in one to four ways; `others` are those of another conversation. */
export function mutateFrames(whole: readonly Frame[], random: Random, others: readonly Frame[]): Frame[] {
  let frames = [...whole]
  for (let times = 1 + random.below(MOST_MUTATIONS); times > 0; times--)
    frames = random.pick(MUTATIONS)(frames, random, others).slice(0, MOST_FRAMES)
  return frames
}
