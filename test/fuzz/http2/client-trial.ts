import type { Certificate } from '../../transport/certificates.ts'
import { Random } from '../random.ts'
import { Finding } from '../target.ts'
import type { ClientProcess } from './client-process.ts'
import type { Place } from './fuzzed-client.ts'
import type { Part } from './input.ts'
import { ScriptedServer } from './scripted-server.ts'

const MESSAGES = [0, 5, 200, 2000, 20_000, 100_000]
const MOST_CALLS = 5
/** Milliseconds of a call; of one whose answer is sound, it is that of a busy machine. */
const TIMEOUT = 300
const SOUND_TIMEOUT = 10_000
/** Milliseconds in which a client must find back to a server that is good again: gRPC's backoff, and a busy machine. */
const RECOVERY = 30_000
const CODES = new Set([
  'ok',
  'cancelled',
  'unknown',
  'invalid_argument',
  'deadline_exceeded',
  'not_found',
  'already_exists',
  'permission_denied',
  'resource_exhausted',
  'failed_precondition',
  'aborted',
  'out_of_range',
  'unimplemented',
  'internal',
  'unavailable',
  'data_loss',
  'unauthenticated',
])

let next = 0

/** Calls a server that says what it is told to, and then, once in a while, one that is good. Gives a word for each call. */
export async function tryClient(
  client: ClientProcess,
  parts: readonly Part[],
  isSound: boolean,
  certificate: Certificate | undefined,
): Promise<string[]> {
  const id = next++
  const server = isSound
    ? new ScriptedServer(parts, certificate, SOUND_TIMEOUT)
    : new ScriptedServer(parts, certificate)
  const place = { id, port: await server.open(), secure: certificate !== undefined }
  // The input's own, so that it is the same when it is run again.
  const random = new Random(
    Buffer.concat(parts.map(({ bytes }) => bytes)).reduce((sum, byte) => (sum * 31 + byte) | 0, 7),
  )
  const count = isSound ? 1 : 1 + random.below(MOST_CALLS)
  const calls = Array.from({ length: count }, () => (isSound ? 5 : random.pick(MESSAGES)))
  const cancelled = calls.map(() => !isSound && random.once(5))
  try {
    const ends = await client.calls({ ...place, calls, cancelled, timeout: isSound ? SOUND_TIMEOUT : TIMEOUT })
    const odd = ends.find((end) => !CODES.has(end))
    if (odd !== undefined) throw new Finding('an end that is no refusal', odd)
    if (isSound && !ends.includes('ok')) throw new Finding('sound answers are refused', ends.join())
    if (random.once(16)) await recover(client, server, place)
    if (server.hasStale) throw new Finding('stale bytes', 'bytes of a call that had ended were sent')
    return ends.map((end) => `call ${end}`)
  } finally {
    client.close(id)
    server.close()
  }
}

async function recover(client: ClientProcess, server: ScriptedServer, place: Place): Promise<void> {
  server.drop()
  for (const end = performance.now() + RECOVERY; ;) {
    const ends = await client.calls({ ...place, calls: [5], cancelled: [false], timeout: TIMEOUT })
    if (ends[0] === 'ok') return
    if (performance.now() > end) throw new Finding('a client that does not recover', ends.join())
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
