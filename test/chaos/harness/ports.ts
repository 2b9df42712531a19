import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below Linux's range of ephemeral ports: what is restarted again and again must find its port free, and whoever connects to a port where nobody
 * listens for the moment must not get that very port as its own and be connected to itself.
 */
const FIRST = 10_240
const LAST = 32_000
const ATTEMPTS = 200
const given = new Set<number>()

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST))
    if (!given.has(port) && (await isFree(port))) {
      given.add(port)
      return port
    }
  }
  throw new Error(`no free port in ${ATTEMPTS} attempts`)
}

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
