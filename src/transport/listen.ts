import { lookup } from 'node:dns/promises'
import { lstat, unlink } from 'node:fs/promises'
import net from 'node:net'
import type { Log } from '../component/context.ts'
import { hostPort } from './address.ts'
import type { ListenAddress } from './address.ts'

/** Errors of accepting, of which there may be thousands a second, are logged so often, in milliseconds. */
const QUIET = 60_000

/**
 * Binds `server`; resolves to the address it really has (a port 0 resolved). Rejects in the Collector's words. What fails
 * later, as when the process has no more file descriptors for a connection, is logged and costs that connection alone.
 */
export async function listen(server: net.Server, address: ListenAddress, log: Log): Promise<ListenAddress> {
  const bound = await bindTo(server, address)
  let logged = -Infinity
  server.on('error', (error) => {
    if (performance.now() - logged < QUIET) return
    logged = performance.now()
    log.error({ error }, 'A connection could not be accepted')
  })
  return bound
}

async function bindTo(server: net.Server, address: ListenAddress): Promise<ListenAddress> {
  try {
    if (address.kind === 'unix') {
      await removeStale(address.path)
      await bind(server, { path: address.path })
      return address
    }
    const host = await resolve(address.host, address.family)
    await bind(server, { port: address.port, ...(host !== undefined && { host }), ipv6Only: address.family === 6 })
    return { ...address, port: (server.address() as net.AddressInfo).port }
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException
    const where = address.kind === 'unix' ? `unix ${address.path}` : `tcp ${hostPort(address.host, address.port)}`
    throw new Error(`listen ${where}: bind: ${REASONS[code] ?? message}`, { cause })
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'cannot assign requested address',
  ENOENT: 'no such file or directory',
  ENOTFOUND: 'no such host',
}

function bind(server: net.Server, options: net.ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** No host means every interface. A name means its IPv4 address where it has one, as in Go. */
async function resolve(host: string, family: 0 | 4 | 6): Promise<string | undefined> {
  if (host === '') return family === 4 ? '0.0.0.0' : undefined
  if (net.isIP(host)) return host
  const found = await lookup(host, { all: true, family })
  return (found.find((entry) => entry.family === 4) ?? found[0])?.address
}

const PROBE_DEADLINE = 1000

/** A process that was killed leaves its socket's file behind, which would keep the next one from starting. Nobody answers there. */
async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!found?.isSocket()) return
  const isStale = await new Promise<boolean>((resolve) => {
    const probe = net.connect({ path })
    const settle = (verdict: boolean) => {
      probe.destroy()
      resolve(verdict)
    }
    probe.setTimeout(PROBE_DEADLINE, () => settle(false))
    probe.once('connect', () => settle(false))
    probe.once('error', (error: NodeJS.ErrnoException) => settle(error.code === 'ECONNREFUSED'))
  })
  if (isStale) await unlink(path)
}
