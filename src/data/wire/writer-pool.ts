import { WireWriter } from './wire-writer.ts'

const IDLE_LIMIT = 16
/** A writer that grew beyond this many bytes is left to the garbage collector. */
const LARGEST_IDLE = 4 * 1024 * 1024

/** Writers that wait for their next use, so that writing requests makes no garbage. */
const idle: WireWriter[] = []

/** An empty writer. Who fails to give it back, because of an error, does no harm. */
export function takeWriter(): WireWriter {
  return idle.pop() ?? new WireWriter()
}

/** Gives a writer back; its bytes have been copied, and nobody writes to it any more. */
export function giveWriter(writer: WireWriter): void {
  writer.clear()
  if (idle.length < IDLE_LIMIT && writer.buffer.length <= LARGEST_IDLE) idle.push(writer)
}
