import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Block, Choice, Duration, inspectCredentialsFile, isHeader, Options, Type } from '../../plugin.ts'
import type { OptionFault, Static } from '../../plugin.ts'
import { keySetOf } from './key-set.ts'

/** Signatures by a private key alone: with `none` anybody signs, and with HS256 whoever knows the public key. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

const provider = {
  issuer_url: Type.Optional(
    Type.String({ description: 'The issuer, letter by letter as its tokens name it in `iss`; asked for its keys.' }),
  ),
  audience: Type.Optional(Type.String({ description: 'What tokens must be for (`aud`).' })),
  ignore_audience: Type.Boolean({ default: false, description: 'Whether tokens may be for anybody.' }),
  ignore_issuer: Type.Boolean({
    default: false,
    description: 'Whether tokens may name another issuer; signed they must be by the keys of this one.',
  }),
  issuer_ca_path: Type.Optional(
    Type.String({ description: "File with the authorities (PEM) that the issuer's certificate is checked by." }),
  ),
  username_claim: Type.Optional(
    Type.String({ description: 'The claim that is the `subject`; `sub` where left out. Tokens must have it.' }),
  ),
  groups_claim: Type.Optional(Type.String({ description: 'The claim that is the `membership`. Tokens must have it.' })),
  public_keys_file: Type.Optional(
    Type.String({
      description: 'File with the keys (a JWK Set), read again when it changes; the issuer is then never asked.',
    }),
  ),
}

export const options = Options({
  attribute: Type.String({ default: 'authorization', description: 'The header that carries `Bearer` and the token.' }),
  ...provider,
  providers: Type.Array(Options(provider), {
    default: [],
    description: 'Several issuers. A token is checked by the rules of the one that it names.',
  }),
  signing_algorithms: Type.Array(Choice(ALGORITHMS, { description: 'An algorithm.' }), {
    default: [...ALGORITHMS],
    minItems: 1,
    description: 'Algorithms that tokens may be signed by.',
  }),
  clock_skew: Duration({ default: '1m', description: "How far the issuer's clock may be from this one." }),
})
export type OidcOptions = Static<typeof options>

const providerSchema = Block(provider, { description: '' })
export type ProviderOptions = Static<typeof providerSchema>

interface Placed {
  readonly path: readonly (string | number)[]
  readonly of: ProviderOptions
}

/** With the one that is written without a list. */
export const providersOf = (options: OidcOptions): readonly ProviderOptions[] => placed(options).map(({ of }) => of)

function placed(options: OidcOptions): readonly Placed[] {
  const { attribute: _, providers, signing_algorithms: __, clock_skew: ___, ...single } = options
  const isWritten = Object.values(single).some((value) => value !== undefined && value !== false)
  return [
    ...(isWritten || providers.length === 0 ? [{ path: [], of: single }] : []),
    ...providers.map((of, at) => ({ path: ['providers', at], of })),
  ]
}

export function* faults(options: OidcOptions): Iterable<OptionFault> {
  const all = placed(options)
  const seen = new Set<string>()
  for (const { path, of } of all) {
    const { issuer_url = '', audience = '', ignore_audience, ignore_issuer } = of
    if (issuer_url === '') yield { path, message: 'no IssuerURL provided for the OIDC configuration' }
    else yield* urlFaults(issuer_url, [...path, 'issuer_url'])
    if (issuer_url !== '' && seen.has(issuer_url))
      yield { path: [...path, 'issuer_url'], message: `duplicate issuer URL found: ${issuer_url}` }
    seen.add(issuer_url)
    if (audience === '' && !ignore_audience)
      yield {
        path,
        message: 'no Audience provided for the OIDC configuration',
        hint: 'write what the tokens are for; ignore_audience takes those that were issued for other services, too',
      }
    if (ignore_issuer && all.length > 1)
      yield {
        path: [...path, 'ignore_issuer'],
        message: 'ignore_issuer cannot be true when multiple providers are configured',
      }
  }
  if (!isHeader(options.attribute, ''))
    yield { path: ['attribute'], message: `"${options.attribute}" is not the name of a header` }
}

function* urlFaults(text: string, path: OptionFault['path']): Iterable<OptionFault> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    yield {
      path,
      message: `"${text}" is not the URL of an issuer`,
      hint: 'for example https://login.example.com/realm',
    }
  else if (url.username !== '' || url.password !== '')
    yield { path, message: 'the URL of an issuer must not hold credentials' }
}

export function* inspect(options: OidcOptions): Iterable<OptionFault> {
  for (const { path, of } of placed(options)) {
    if (of.public_keys_file) yield* inspectKeys(of.public_keys_file, [...path, 'public_keys_file'])
    else if (of.issuer_ca_path) yield* inspectAuthority(of.issuer_ca_path, [...path, 'issuer_ca_path'])
  }
}

function* inspectKeys(file: string, path: OptionFault['path']): Iterable<OptionFault> {
  const unreadable = [...inspectCredentialsFile(file, path)]
  yield* unreadable
  if (unreadable.length > 0) return
  try {
    keySetOf(readFileSync(file, 'utf8'))
  } catch (error) {
    yield { path, message: `invalid public_keys_file "${file}": ${(error as Error).message}` }
  }
}

function* inspectAuthority(file: string, path: OptionFault['path']): Iterable<OptionFault> {
  try {
    parseCertificate(file)
  } catch (error) {
    yield { path, message: `could not read the CA file "${file}": ${(error as Error).message}` }
  }
}

const parseCertificate = (file: string): X509Certificate => new X509Certificate(readFileSync(file))
