import type { OptionFault } from '../component/definition.ts'
import { Block, Choice, Duration, Options, SecretString, StringList, Type } from '../component/options.ts'
import type { Static } from '../component/options.ts'
import { checkNames } from './client-names.ts'

/** The Collector's configtls: keys and defaults are its own. `tls.ts` makes node:tls options of it. */
const either = {
  ca_file: Type.Optional(
    Type.String({
      description: 'PEM file with the certificates of the authorities that the other side is checked against.',
    }),
  ),
  ca_pem: Type.Optional(SecretString({ description: 'The same, written in place.' })),
  include_system_ca_certs_pool: Type.Boolean({
    default: false,
    description: "Whether the system's authorities are trusted besides those of `ca_file` or `ca_pem`.",
  }),
  cert_file: Type.Optional(Type.String({ description: 'PEM file with our own certificate, followed by its chain.' })),
  cert_pem: Type.Optional(SecretString({ description: 'The same, written in place.' })),
  key_file: Type.Optional(Type.String({ description: 'PEM file with the private key of our certificate.' })),
  key_pem: Type.Optional(SecretString({ description: 'The same, written in place.' })),
  min_version: Choice(['1.0', '1.1', '1.2', '1.3'], { default: '1.2', description: 'Oldest TLS version accepted.' }),
  max_version: Type.Optional(
    Choice(['1.0', '1.1', '1.2', '1.3'], {
      description: 'Newest TLS version offered; the newest there is when left out.',
    }),
  ),
  cipher_suites: Type.Optional(
    StringList({ description: 'Cipher suites of TLS 1.2 and older that may be used, by their IANA names.' }),
  ),
  curve_preferences: Type.Optional(
    StringList({ description: 'Curves for the key exchange, best first: X25519, P256, P384, P521, X25519MLKEM768.' }),
  ),
  reload_interval: Type.Optional(
    Duration({ description: 'How often certificates are read again from their files; never when left out.' }),
  ),
  tpm: Type.Optional(Type.Unknown({ description: 'Keys in a TPM: not available, refused when enabled.' })),
}

export const clientTlsOptions = {
  ...either,
  insecure: Type.Boolean({ default: false, description: 'Whether to do without TLS. A scheme in the endpoint wins.' }),
  insecure_skip_verify: Type.Boolean({
    default: false,
    description: 'Whether to take any certificate, whoever signed it and whatever name it has.',
  }),
  server_name_override: Type.Optional(
    Type.String({ description: "Name that the server's certificate must have, instead of the endpoint's host." }),
  ),
}

export const serverTlsOptions = {
  ...either,
  client_ca_file: Type.Optional(
    Type.String({ description: 'PEM file with authorities for client certificates; clients must then present one.' }),
  ),
  client_allowed_names: StringList({
    default: [],
    description:
      'Names of which a client certificate must have one: `DNS:`, `URI:` (SPIFFE), `email:`, `IP:` or `CN:` and the name; a `*` stands for one label or segment. Any when empty.',
  }),
  client_ca_file_reload: Type.Boolean({
    default: false,
    description: 'Whether `client_ca_file` is read again when it changes: every `reload_interval`, or every minute.',
  }),
}

export const clientTls = () => Block(clientTlsOptions, { description: 'TLS towards the server, as in the Collector.' })
export const serverTls = () =>
  Type.Optional(
    Options(serverTlsOptions, { description: 'TLS towards clients, as in the Collector; plaintext without it.' }),
  )

const clientSchema = Options(clientTlsOptions)
const serverSchema = Options(serverTlsOptions)
export type ClientTls = Static<typeof clientSchema>
export type ServerTls = Static<typeof serverSchema>

type Path = readonly (string | number)[]

export function* checkClientTls(tls: ClientTls, path: Path): Generator<OptionFault> {
  yield* checkEither(tls, path)
}

export function* checkServerTls(tls: ServerTls | undefined, path: Path): Generator<OptionFault> {
  if (tls === undefined) return
  yield* checkEither(tls, path)
  if (!tls.cert_file && !tls.cert_pem)
    yield {
      path,
      message: 'TLS configuration must include both certificate and key for server connections',
      hint: 'add cert_file and key_file',
    }
  yield* checkNames(tls.client_allowed_names, [...path, 'client_allowed_names'])
  if (tls.client_allowed_names.length > 0 && !tls.client_ca_file)
    yield {
      path: [...path, 'client_allowed_names'],
      message: 'names of clients mean nothing where nobody asks for their certificates',
      hint: 'add client_ca_file',
    }
}

function* checkEither(tls: ClientTls | ServerTls, path: Path): Generator<OptionFault> {
  const pairs = [
    ['ca_file', 'ca_pem', 'provide either a CA file or the PEM-encoded string, but not both'],
    ['cert_file', 'cert_pem', 'provide either a certificate or the PEM-encoded string, but not both'],
    ['key_file', 'key_pem', 'provide either a key or the PEM-encoded string, but not both'],
  ] as const
  for (const [file, pem, message] of pairs) if (tls[file] && tls[pem]) yield { path: [...path, pem], message }
  const hasCertificate = Boolean(tls.cert_file ?? tls.cert_pem)
  if (hasCertificate !== Boolean(tls.key_file ?? tls.key_pem))
    yield { path, message: 'for auth via TLS, provide both certificate and key, or neither' }
  if (tls.max_version !== undefined && tls.max_version < tls.min_version)
    yield { path: [...path, 'max_version'], message: 'min_version cannot be greater than max_version' }
  for (const suite of tls.cipher_suites ?? [])
    if (!CIPHERS.has(suite)) yield { path: [...path, 'cipher_suites'], message: `invalid TLS cipher suite: "${suite}"` }
  for (const curve of tls.curve_preferences ?? [])
    if (!CURVES.has(curve)) yield { path: [...path, 'curve_preferences'], message: `invalid curve type: "${curve}"` }
  if ((tls.tpm as { enabled?: unknown } | null | undefined)?.enabled === true)
    yield { path: [...path, 'tpm'], message: 'keys in a TPM are not available yet', hint: 'use key_file' }
}

/** IANA names, as the Collector takes them, to OpenSSL's. TLS 1.3 suites cannot be chosen, as in the Collector. */
export const CIPHERS: ReadonlyMap<string, string> = new Map([
  ['TLS_RSA_WITH_AES_128_CBC_SHA', 'AES128-SHA'],
  ['TLS_RSA_WITH_AES_256_CBC_SHA', 'AES256-SHA'],
  ['TLS_RSA_WITH_AES_128_CBC_SHA256', 'AES128-SHA256'],
  ['TLS_RSA_WITH_AES_128_GCM_SHA256', 'AES128-GCM-SHA256'],
  ['TLS_RSA_WITH_AES_256_GCM_SHA384', 'AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ECDHE-ECDSA-AES128-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 'ECDHE-ECDSA-AES256-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256', 'ECDHE-ECDSA-AES128-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'ECDHE-RSA-AES128-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 'ECDHE-RSA-AES256-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256', 'ECDHE-RSA-AES128-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
])

export const CURVES: ReadonlyMap<string, string> = new Map([
  ['X25519', 'X25519'],
  ['P256', 'P-256'],
  ['P384', 'P-384'],
  ['P521', 'P-521'],
  ['X25519MLKEM768', 'X25519MLKEM768'],
])
