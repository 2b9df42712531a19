import { constants, createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import tls from 'node:tls'
import { MAX_DELAY } from '../component/clock.ts'
import type { Secret } from '../component/options.ts'
import { CIPHERS, CURVES } from './tls-options.ts'
import type { ClientTls, ServerTls } from './tls-options.ts'

/** What a server hands to node:tls. */
export type ContextOptions = tls.SecureContextOptions

export interface ClientSecurity {
  readonly context: tls.SecureContext
  readonly rejectUnauthorized: boolean
  readonly serverName: string | undefined
  /** Differs where a file does. */
  readonly fingerprint: string
}

export interface ServerSecurity {
  readonly context: ContextOptions
  /** Whether clients must present a certificate that one of the authorities signed. */
  readonly requestCert: boolean
}

/** Reads the files that the options name. Rejects, naming the option and the file, where one is unreadable or no certificate. */
export async function clientSecurity(options: ClientTls): Promise<ClientSecurity> {
  const context = await contextOptions(options)
  const authorities = await read('ca', options)
  // Node trusts the authorities it was built with; users expect the system's too, as from any other program.
  const ca =
    authorities === undefined
      ? trusted()
      : options.include_system_ca_certs_pool
        ? [authorities, ...trusted()]
        : [authorities]
  return {
    context: secureContext({ ...context, ca }),
    rejectUnauthorized: !options.insecure_skip_verify,
    serverName: options.server_name_override,
    fingerprint: fingerprintOf([context.cert, context.key, authorities]),
  }
}

export async function serverSecurity(options: ServerTls): Promise<ServerSecurity> {
  const context = await contextOptions(options)
  const { client_ca_file } = options
  if (client_ca_file === undefined) return { context: checked(context), requestCert: false }
  const ca = [await readPem('client_ca_file', client_ca_file)]
  // A session that is taken up again shows no certificate: it would stand for one that has expired meanwhile, for as long as it is renewed.
  const secureOptions = constants.SSL_OP_NO_TICKET
  return { context: checked({ ...context, ca, secureOptions }), requestCert: true }
}

async function contextOptions(options: ClientTls | ServerTls): Promise<ContextOptions> {
  const cert = await read('cert', options)
  const key = await read('key', options)
  const ciphers = options.cipher_suites?.map((suite) => CIPHERS.get(suite)).join(':')
  const curves = options.curve_preferences?.map((curve) => CURVES.get(curve)).join(':')
  return {
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(ciphers && {
      ciphers: `TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:${ciphers}`,
    }),
    ...(curves && { ecdhCurve: curves }),
    minVersion: `TLSv${versionOf(options.min_version)}`,
    ...(options.max_version && { maxVersion: `TLSv${versionOf(options.max_version)}` }),
  } as ContextOptions
}

/** OpenSSL writes TLS 1.0 as `TLSv1`. */
const versionOf = (version: string): string => (version === '1.0' ? '1' : version)

type Item = 'ca' | 'cert' | 'key'

async function read(item: Item, options: ClientTls | ServerTls): Promise<string | undefined> {
  const pem: Secret | undefined = options[`${item}_pem`]
  if (pem !== undefined) return verified(`${item}_pem`, item, pem.reveal())
  const path = options[`${item}_file`]
  return path === undefined ? undefined : readPem(`${item}_file`, path)
}

async function readPem(option: string, path: string): Promise<string> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new Error(`tls: cannot read ${option} ${path}: ${(cause as Error).message}`, { cause })
  }
  return verified(`${option} ${path}`, option.startsWith('key') ? 'key' : 'cert', text)
}

function verified(from: string, item: Item, text: string): string {
  const begins = item === 'key' ? /-----BEGIN [A-Z ]*PRIVATE KEY-----/ : /-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/
  if (!begins.test(text))
    throw new Error(`tls: ${from} holds no PEM-encoded ${item === 'key' ? 'private key' : 'certificate'}`)
  return text
}

/** OpenSSL's own judgement: a key that does not belong to its certificate, a broken encoding, an unknown curve. */
function secureContext(context: ContextOptions): tls.SecureContext {
  try {
    return tls.createSecureContext(context)
  } catch (cause) {
    throw new Error(`tls: the certificates or settings cannot be used: ${(cause as Error).message}`, { cause })
  }
}

function checked(context: ContextOptions): ContextOptions {
  secureContext(context)
  return context
}

let roots: string[] | undefined

/** Every authority that Node or the system trusts, read once a process. */
function trusted(): string[] {
  roots ??= [...new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])]
  return roots
}

/** How often files are read again where only `client_ca_file_reload` asks for it, in milliseconds. */
const RELOAD_INTERVAL = 60_000

/**
 * Reads a server's certificates again on its schedule and hands over those that have changed. Where they cannot be used, as while
 * a new certificate is there and its key is not yet, `failed` is told once, and the old ones stay. Returns how to end it.
 */
export function reloadServerSecurity(
  options: ServerTls,
  apply: (context: ContextOptions) => void,
  failed: (error: Error) => void,
): () => void {
  const interval = options.reload_interval || (options.client_ca_file_reload ? RELOAD_INTERVAL : 0)
  let used = ''
  const take = ({ context }: ServerSecurity) => {
    const found = fingerprintOf([context.cert, context.key, context.ca])
    if (found === used) return
    used = found
    apply(context)
  }
  return reloading(interval, () => serverSecurity(options), take, failed)
}

const fingerprintOf = (texts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(texts)).digest('hex')

/** The same for a client, which `apply` is told of only where a file has changed. `now` is what it uses already. */
export function reloadClientSecurity(
  options: ClientTls,
  now: ClientSecurity,
  apply: (security: ClientSecurity) => void,
  failed: (error: Error) => void,
): () => void {
  let used = now.fingerprint
  const take = (security: ClientSecurity) => {
    if (security.fingerprint === used) return
    used = security.fingerprint
    apply(security)
  }
  return reloading(options.reload_interval ?? 0, () => clientSecurity(options), take, failed)
}

/** Reads every `interval` milliseconds, 0 for never. Returns how to end it. */
function reloading<T>(
  interval: number,
  read: () => Promise<T>,
  apply: (read: T) => void,
  failed: (error: Error) => void,
): () => void {
  if (interval === 0) return () => {}
  let isOver = false
  let told = ''
  const look = async () => {
    try {
      const security = await read()
      told = ''
      if (!isOver) apply(security)
    } catch (error) {
      const { message } = error as Error
      if (!isOver && message !== told) failed(error as Error)
      told = message
    }
  }
  const timer = setInterval(() => void look(), Math.min(interval, MAX_DELAY)).unref()
  return () => {
    isOver = true
    clearInterval(timer)
  }
}
