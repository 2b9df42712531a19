import net from 'node:net'
import type { Origin } from './delivery.ts'

const METADATA = 'metadata.'
const AUTH = 'auth.'

/**
 * What is known of the sender of a batch, by the Collector's names (`from_context` of its attributes processor): `metadata.<header>`,
 * `auth.<attribute>`, `client.address`; any other name is that of a header. Several values are joined by `;`.
 */
export function senderValue(
  { metadata, auth, peer }: Pick<Origin, 'metadata' | 'peer'> & { readonly auth?: Origin['auth'] | undefined },
  key: string,
): string | undefined {
  if (key === 'client.address') return addressOf(peer)
  if (key.startsWith(AUTH)) return textOf(auth?.[key.slice(AUTH.length)])
  const name = key.startsWith(METADATA) ? key.slice(METADATA.length) : key
  return textOf(metadata.get(name.toLowerCase()))
}

/** Other kinds of values are none, as in the Collector. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!Array.isArray(value) || value.length === 0 || value.some((each) => typeof each !== 'string')) return undefined
  return value.join(';')
}

/** Without the port. Empty where nobody knows, as in the Collector: after a batch that joined several senders. */
function addressOf(peer = ''): string {
  const host = peer.slice(0, Math.max(0, peer.lastIndexOf(':'))).replace(/^\[(.*)\]$/, '$1')
  if (!net.isIP(host)) return peer
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1] ?? host
}
