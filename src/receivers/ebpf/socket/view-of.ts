let last: Buffer = Buffer.alloc(0)
let view = new DataView<ArrayBufferLike>(new ArrayBuffer(0))

/** A buffer's bytes, for reading numbers of several: in a fraction of the time of Buffer's own methods. One buffer comes again and again. */
export function viewOf(buffer: Buffer): DataView {
  if (buffer !== last) {
    last = buffer
    view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
  }
  return view
}
