import type { Node } from '../steps/node.ts'
import { END, ENTRY, VALUE } from '../wire/message.ts'

/**
 * Goes over the messages that stand in `node`'s record with this tag: puts each onto the tape of the node inside, and
 * yields `view`, which looks at that tape. Only one such walk at a time.
 */
export function* each<View>(node: Node, inner: Node, view: View): Generator<View> {
  const { message } = node
  for (let index = node.firstThatCounts(); index < message.length; index += ENTRY) {
    if (message.tape[index] !== inner.tag) continue
    inner.message.begin()
    inner.message.scan(message.tape[index + VALUE]!, message.tape[index + END]!)
    yield view
  }
}
