import { Resolver } from 'node:dns/promises'
import { hostname } from 'node:os'
import type { NameServices } from './hostname.ts'
import { readIfThere } from './read-if-there.ts'

const ANSWER_MS = 1000

/**
 * This machine's, until `abort`. Asks DNS by itself instead of by the system's resolver, which would hold one of Node's few threads for
 * as long as no server answers.
 */
export function systemNames(abort: AbortSignal): NameServices {
  const resolver = new Resolver({ timeout: ANSWER_MS, tries: 1 })
  abort.addEventListener('abort', () => resolver.cancel(), { once: true })
  const asked = <T>(answer: () => Promise<T>): Promise<T> =>
    abort.aborted ? Promise.reject(abort.reason as Error) : answer()
  return {
    hostname,
    hosts: async () => (await readIfThere('/etc/hosts')) ?? '',
    searchDomains: async () => parseSearchDomains((await readIfThere('/etc/resolv.conf')) ?? ''),
    alias: (name) => asked(async () => (await resolver.resolveCname(name))[0] as string),
    addresses: (name) => asked(() => resolver.resolve4(name).catch(() => resolver.resolve6(name))),
    reverse: (address) => asked(() => resolver.reverse(address)),
  }
}

/** Of several `search` or `domain` lines the last one counts (resolv.conf(5)). */
export function parseSearchDomains(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/))
  const last = lines.findLast(([keyword]) => keyword === 'search' || keyword === 'domain')
  return (last ?? [])
    .slice(1)
    .filter((domain) => domain !== '.')
    .map((domain) => domain.replace(/\.$/, ''))
}
