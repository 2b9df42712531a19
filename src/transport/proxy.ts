import net from 'node:net'

/** Which proxy the environment names for a server, as Go's programs read it (golang.org/x/net/http/httpproxy), the Collector among them. */

export type ProxyEnvironment = Readonly<Record<string, string | undefined>>

/**
 * The proxy for `url`: `HTTPS_PROXY` or `https_proxy` for https, `HTTP_PROXY` or `http_proxy` for http; undefined where there is none, for
 * this very machine, and for what `NO_PROXY` or `no_proxy` lists. Throws where the variable holds no URL, or one whose credentials cannot be decoded, without its value: it may have
 * a password in it.
 */
export function proxyFor(url: URL, environment: ProxyEnvironment = process.env): URL | undefined {
  const names = url.protocol === 'https:' ? ['HTTPS_PROXY', 'https_proxy'] : ['HTTP_PROXY', 'http_proxy']
  const name = names.find((each) => environment[each])
  if (name === undefined || isExempt(url, environment['NO_PROXY'] || environment['no_proxy'] || '')) return undefined
  const text = environment[name] as string
  const written = /^\w+:\/\//.test(text) ? text : `http://${text}`
  if (!URL.canParse(written)) throw new Error(`the environment variable ${name} is not the URL of a proxy`)
  const proxy = new URL(written)
  if (!isDecodable(proxy)) throw new Error(`the environment variable ${name} ${BAD_CREDENTIALS}: ${PERCENT}`)
  return proxy
}

/** Of a URL of a proxy, without what it holds. */
export const BAD_CREDENTIALS = 'has a user or password that is not percent-encoded'
/** What helps. */
export const PERCENT = '"%" in it is written "%25"'

/** Whether user and password of a URL, where it has them, can be decoded. */
export function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username)
    decodeURIComponent(password)
    return true
  } catch {
    return false
  }
}

/** Port of a URL that names none. */
const PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }

function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  const port = url.port || (PORTS[url.protocol] ?? '')
  const family = net.isIP(host)
  if (host === 'localhost' || (family > 0 && within(host, family, family === 4 ? '127.0.0.0/8' : '::1/128')))
    return true
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && matches(entry, host, port, family))
}

const HOST_PORT = /^(?:\[(?<six>[\da-f:.]+)\]|(?<host>[^:]*)):(?<port>\d+)$/

/** `*`; a network `10.0.0.0/8`; an address; a domain with all below it, or `.domain` for those below alone; each but the first two maybe with a port. */
function matches(entry: string, host: string, port: string, family: number): boolean {
  if (entry === '*') return true
  if (entry.includes('/')) return family > 0 && within(host, family, entry)
  const { six, host: name, port: wanted } = HOST_PORT.exec(entry)?.groups ?? {}
  const written = six ?? name ?? entry.replace(/^\[(.*)\]$/, '$1')
  if (written === '' || (wanted !== undefined && wanted !== port)) return false
  if (net.isIP(written))
    return family === net.isIP(written) && within(host, family, `${written}/${family === 4 ? 32 : 128}`)
  const domain = written.replace(/^\*\./, '.')
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`)
}

function within(address: string, family: number, network: string): boolean {
  const [base = '', bits = ''] = network.split('/')
  const width = Number(bits)
  const of = net.isIP(base)
  if (of !== family || !/^\d+$/.test(bits) || width > (of === 4 ? 32 : 128)) return false
  const kind = of === 4 ? 'ipv4' : 'ipv6'
  const list = new net.BlockList()
  list.addSubnet(base, width, kind)
  return list.check(address, kind)
}
