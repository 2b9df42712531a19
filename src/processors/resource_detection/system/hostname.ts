export const HOSTNAME_SOURCES = ['dns', 'os', 'cname', 'lookup'] as const
export type HostnameSource = (typeof HOSTNAME_SOURCES)[number]

/** Whom the host's name is asked of. */
export interface NameServices {
  /** The name that the kernel has. */
  hostname(): string
  /** The text of /etc/hosts; empty where there is none. */
  hosts(): Promise<string>
  /** Domains that complete a short name, from /etc/resolv.conf. */
  searchDomains(): Promise<readonly string[]>
  /** What `name` is an alias of, by one CNAME record. Rejects where there is none. */
  alias(name: string): Promise<string>
  /** Addresses of `name` by DNS. Rejects where there is none. */
  addresses(name: string): Promise<readonly string[]>
  /** Names of an address. Rejects where there is none. */
  reverse(address: string): Promise<readonly string[]>
}

const MAX_ALIASES = 8
const MAX_CANDIDATES = 8

/** The host's name by the first of the sources that knows it. Rejects with what each of them said. */
export async function findHostname(sources: readonly HostnameSource[], services: NameServices): Promise<string> {
  const refusals: string[] = []
  for (const source of sources) {
    try {
      return await ask(source, services)
    } catch (error) {
      refusals.push(`${source}: ${(error as Error).message}`)
    }
  }
  throw new Error(`all hostname sources failed to get hostname (${refusals.join('; ')})`)
}

async function ask(source: HostnameSource, services: NameServices): Promise<string> {
  switch (source) {
    case 'os':
      return named(services.hostname())
    case 'cname':
      return canonicalName(services)
    case 'lookup':
      return reverseName(services)
    case 'dns':
      return qualifiedName(services)
  }
}

/** The fully qualified name: as the hosts file has it, else the canonical name, else the address's. */
async function qualifiedName(services: NameServices): Promise<string> {
  const refusals: string[] = []
  for (const way of [hostsFileName, canonicalName, reverseName]) {
    try {
      const name = await way(services)
      if (isQualified(name)) return name
      refusals.push(`"${name}" is not fully qualified`)
    } catch (error) {
      refusals.push((error as Error).message)
    }
  }
  throw new Error(refusals.join(', '))
}

async function hostsFileName(services: NameServices): Promise<string> {
  const own = named(services.hostname())
  for (const { names } of parseHosts(await services.hosts())) {
    const qualified = names.includes(own) && names.find(isQualified)
    if (qualified) return qualified
  }
  throw new Error(`no full name of ${own} in the hosts file`)
}

/** Follows aliases from the host's name, completed by the search domains as a resolver would, to a name that has an address. */
async function canonicalName(services: NameServices): Promise<string> {
  const own = named(services.hostname())
  const domains = await services.searchDomains()
  const completed = domains.map((domain) => `${own}.${domain}`)
  const candidates = own.includes('.') ? [own, ...completed] : [...completed, own]
  let refusal: unknown
  for (const candidate of candidates.slice(0, MAX_CANDIDATES)) {
    try {
      let name = candidate
      for (let hops = 0; hops < MAX_ALIASES; hops++) {
        const target = await services.alias(name).catch(() => undefined)
        if (target === undefined) break
        name = target
      }
      await services.addresses(name)
      return withoutDot(name)
    } catch (error) {
      refusal = error
    }
  }
  throw new Error(`DNS does not know ${own}`, { cause: refusal })
}

async function reverseName(services: NameServices): Promise<string> {
  const own = named(services.hostname())
  const inFile = parseHosts(await services.hosts()).filter(({ names }) => names.includes(own))
  const addresses = inFile.length > 0 ? inFile.map(({ address }) => address) : await services.addresses(own)
  for (const address of addresses) {
    const names = await services.reverse(address).catch(() => [])
    if (names[0]) return withoutDot(names[0])
  }
  throw new Error(`DNS has no name for the addresses of ${own}`)
}

function parseHosts(text: string): readonly { readonly address: string; readonly names: readonly string[] }[] {
  return text.split('\n').flatMap((line) => {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    return address && names.length > 0 ? [{ address, names }] : []
  })
}

function named(name: string): string {
  if (name === '' || name === '(none)') throw new Error('the host has no name')
  return name
}

const withoutDot = (name: string): string => name.replace(/\.+$/, '')
const isQualified = (name: string): boolean => /^[^.]+\../.test(name) && !/^localhost\b/i.test(name)
