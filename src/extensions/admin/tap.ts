import type { Clock, Tapped } from '../../plugin.ts'
import { HEADERS, refusal } from './answer.ts'
import type { Answer } from './answer.ts'
import { Looker, MOST_WAITING_BYTES } from './looker.ts'
import type { Asked } from './route.ts'
import { tapRequest } from './tap-request.ts'
import type { TapRequest } from './tap-request.ts'

const SECOND_MS = 1_000
/** How long somebody who reads nothing any more is kept, in milliseconds. */
const PATIENCE_MS = 30_000

/** Shows what passes, until the client goes. */
export async function tap({ query, request, response, control, context, abort }: Asked): Promise<Answer | undefined> {
  let wanted: TapRequest
  const looking = { show: (_tapped: Tapped) => {} }
  let tap: ReturnType<typeof control.tap>
  try {
    wanted = tapRequest(query)
    tap = control.tap(wanted.target, (tapped) => looking.show(tapped), wanted.side)
  } catch (error) {
    return refusal(400, (error as Error).message)
  }
  try {
    const { target, side } = wanted
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'application/x-ndjson' })
    if (request.method === 'HEAD') return void response.end()
    context.log.info({ target, side, peer: request.socket.remoteAddress }, 'A tap was opened')
    const write = (line: object) => response.write(`${JSON.stringify(line)}\n`)
    write({ tap: { target, edges: tap.edges, note: tap.note } })
    const looker = new Looker(wanted, context.clock, () => response.writableLength, write)
    looking.show = (tapped) => looker.show(tapped)
    await ended(looker, () => response.writableLength, context.clock, abort)
    response.end()
  } finally {
    tap.close()
  }
  return undefined
}

/** Tells every second what was not shown, and gives up on somebody who does not read. */
function ended(looker: Looker, waiting: () => number, clock: Clock, abort: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let readAt = clock.monotonic()
    const ticking = clock.every(SECOND_MS, () => {
      looker.tick()
      if (waiting() < MOST_WAITING_BYTES) readAt = clock.monotonic()
      else if (clock.monotonic() - readAt > PATIENCE_MS) end()
    })
    const end = () => {
      ticking.cancel()
      abort.removeEventListener('abort', end)
      resolve()
    }
    abort.addEventListener('abort', end)
    if (abort.aborted) end()
  })
}
