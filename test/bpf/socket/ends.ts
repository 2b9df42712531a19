import assert from 'node:assert/strict'
import type { Moved, SocketClosed, SocketData, SocketEvent, SocketsInKernel } from './kernel.ts'

/** One end of a connection: what it sent and received, by its events. */
export interface End {
  readonly data: readonly SocketData[]
  readonly closed: SocketClosed | undefined
}

function end(events: readonly SocketEvent[], pid: number, local: number, remote: number): End {
  const data = events.filter(
    (event): event is SocketData =>
      event.kind === 'data' && event.pid === pid && event.localPort === local && event.remotePort === remote,
  )
  const connection = data[0]?.connection
  const closed = events.find(
    (event): event is SocketClosed => event.kind === 'closed' && event.connection === connection,
  )
  return { data, closed }
}

export const of = ({ data }: End, direction: number): SocketData[] =>
  data.filter((event) => event.direction === direction)
export const bytes = (events: readonly SocketData[]): number => events.reduce((sum, event) => sum + event.bytes, 0)
export const payload = (events: readonly SocketData[]): string => events.map((event) => event.payload).join('')

export async function ends(
  kernel: SocketsInKernel,
  { pid, client, server }: Moved,
): Promise<readonly [client: End, server: End]> {
  const both = (events: readonly SocketEvent[]): [End, End] => [
    end(events, pid, client, server),
    end(events, pid, server, client),
  ]
  return both(await kernel.until((events) => both(events).every(({ closed }) => closed)))
}

export function checkNumbers({ data, closed }: End): void {
  assert.deepEqual(
    data.map(({ sequence }) => sequence),
    data.map((_, at) => at),
  )
  assert.equal(closed?.sequence, data.length)
  for (const { began, time } of data) assert.ok(began <= time && time - began < 5e9)
}
