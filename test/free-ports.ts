import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Above what Telegen listens at by itself, and below Linux's range of ephemeral ports: what is started on a port, once or again and again, must find that no connection took it meanwhile, and
 * whoever connects to a port where nobody listens for the moment must not get that very port as its own and be connected to itself.
 */
const FIRST = 16_384
const LAST = 32_000
/** The port after each stays free for whoever needs two in a row; those between are other processes', which pick at the same time. */
const SLOTS = 8
const STEP = 2 * SLOTS
const OWN = 2 * (process.pid % SLOTS)
const ATTEMPTS = 200
/** Of those given, so many are not given again: a long run has more ports than there are, and whoever had the first ones is done. */
const REMEMBERED = 500
const given = new Set<number>()

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST + OWN + STEP * Math.floor((Math.random() * (LAST - FIRST)) / STEP)
    if (!given.has(port) && (await isFree(port))) {
      given.add(port)
      for (const oldest of given) if (given.size > REMEMBERED) given.delete(oldest)
      return port
    }
  }
  throw new Error(`no free port in ${ATTEMPTS} attempts`)
}

export const freePorts = (count: number): Promise<number[]> => Promise.all(Array.from({ length: count }, freePort))

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
