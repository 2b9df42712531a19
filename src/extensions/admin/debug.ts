import { Session } from 'node:inspector/promises'
import { pipeline } from 'node:stream/promises'
import { getHeapSnapshot } from 'node:v8'
import { HEADERS, refusal } from './answer.ts'
import type { Answer } from './answer.ts'
import type { Asked } from './route.ts'

const LEAST_SECONDS = 1
const MOST_SECONDS = 120
const DEFAULT_SECONDS = 10

/** How often V8 looks where it is, in microseconds: its own default. */
const SAMPLING_INTERVAL_US = 1000

export async function cpuProfile({ query, response, context, abort }: Asked): Promise<Answer | undefined> {
  const seconds = Number(query.get('seconds') ?? DEFAULT_SECONDS)
  if (!(seconds >= LEAST_SECONDS && seconds <= MOST_SECONDS))
    return refusal(400, `seconds are ${LEAST_SECONDS} to ${MOST_SECONDS}`)
  context.log.info({ seconds }, 'A CPU profile was asked for')
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US })
    await session.post('Profiler.start')
    await context.clock.sleep(seconds * 1000, abort)
    const { profile } = await session.post('Profiler.stop')
    response.writeHead(200, fileHeaders('telegen.cpuprofile'))
    response.end(JSON.stringify(profile))
    return undefined
  } finally {
    session.disconnect()
  }
}

/** How long a heap snapshot may take to be fetched: as long it lies in memory, and nobody can have the next. */
const FETCH_MS = 300_000

/** V8 walks the whole heap before the first byte is sent: everything stands still so long. */
export async function heapSnapshot({ response, context, abort, request }: Asked): Promise<undefined> {
  response.writeHead(200, fileHeaders('telegen.heapsnapshot'))
  if (request.method === 'HEAD') return void response.end()
  context.log.warn(
    { peer: request.socket.remoteAddress },
    'A heap snapshot is taken, which stops everything for a while',
  )
  await pipeline(getHeapSnapshot(), response, { signal: AbortSignal.any([abort, AbortSignal.timeout(FETCH_MS)]) })
}

const fileHeaders = (name: string) => ({
  ...HEADERS,
  'Content-Type': 'application/json',
  'Content-Disposition': `attachment; filename="${name}"`,
})
