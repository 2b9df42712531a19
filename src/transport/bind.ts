import { lookup } from 'node:dns/promises'
import { lstat, unlink } from 'node:fs/promises'
import net from 'node:net'
import { hostPort } from './address.ts'
import type { ListenAddress } from './address.ts'

/** An address as the system takes it. */
export type BindAddress =
  | { readonly path: string }
  | {
      readonly port: number
      readonly host?: string
      readonly ipv6Only: boolean
      /** Other processes may listen there too, and the system deals connections out. */
      readonly reusePort?: boolean
    }

/** Rejects where a name is nobody's. No host means every interface. */
export async function bindAddress(address: ListenAddress): Promise<BindAddress> {
  if (address.kind === 'unix') return { path: address.path }
  const host = await resolve(address.host, address.family)
  return { port: address.port, ...(host !== undefined && { host }), ipv6Only: address.family === 6 }
}

/** A name means its IPv4 address where it has one, as in Go. */
async function resolve(host: string, family: 0 | 4 | 6): Promise<string | undefined> {
  if (host === '') return family === 4 ? '0.0.0.0' : undefined
  if (net.isIP(host)) return host
  const found = await lookup(host, { all: true, family })
  return (found.find((entry) => entry.family === 4) ?? found[0])?.address
}

/** The Collector's words for what the system says. */
export function bindError(address: ListenAddress, cause: NodeJS.ErrnoException): Error {
  const where = address.kind === 'unix' ? `unix ${address.path}` : `tcp ${hostPort(address.host, address.port)}`
  return new Error(`listen ${where}: bind: ${REASONS[cause.code ?? ''] ?? cause.message}`, { cause })
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'cannot assign requested address',
  ENOENT: 'no such file or directory',
  ENOTFOUND: 'no such host',
}

const PROBE_DEADLINE = 1000

/** A process that was killed leaves its socket's file behind, which would keep the next one from starting. Nobody answers there. */
export async function removeStale(path: string): Promise<void> {
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
