import { decodeJwt } from 'jose'
import { offer, ServerAuthentication, unauthenticated } from '../../plugin.ts'
import type { AuthenticationData, BoundCounter, Extension, ExtensionContext } from '../../plugin.ts'
import type { RequestHeaders, ServerAuthenticator } from '../../plugin.ts'
import { FileKeys } from './file-keys.ts'
import { InvalidToken, REASONS } from './invalid-token.ts'
import type { Reason } from './invalid-token.ts'
import { IssuerKeys } from './issuer-keys.ts'
import { providersOf } from './options.ts'
import type { OidcOptions, ProviderOptions } from './options.ts'
import { Provider } from './provider.ts'

/** Characters of a token. Issuers that list many groups make some of 10,000. */
const LONGEST_TOKEN = 16 * 1024
/** Each reason to reject tokens is told of so often, in milliseconds. */
const QUIET = 60_000

export function oidc(context: ExtensionContext<OidcOptions>): Extension {
  const troubles = new Map<string, string>()
  const onTrouble = (issuer: string, reason: string | undefined) => {
    if (reason === undefined) troubles.delete(issuer)
    else troubles.set(issuer, reason)
    if (troubles.size > 0) context.status.recoverable([...troubles.values()].join('; '))
    else context.status.ok()
  }
  const providers = new Map(
    providersOf(context.config).map((each) => [each.issuer_url as string, providerOf(each, context, onTrouble)]),
  )
  const authenticator = new TokenAuthenticator(context, providers)
  return {
    offers: [offer(ServerAuthentication, authenticator)],
    async start() {
      for (const { source } of providers.values()) await source.start()
    },
    async stop() {
      for (const { source } of providers.values()) source.stop()
    },
  }
}

function providerOf(
  options: ProviderOptions,
  { config, clock, log }: ExtensionContext<OidcOptions>,
  onTrouble: (issuer: string, reason: string | undefined) => void,
): Provider {
  const issuer = options.issuer_url as string
  const rules = {
    algorithms: config.signing_algorithms,
    issuer: options.ignore_issuer ? undefined : issuer,
    audience: options.ignore_audience ? undefined : options.audience,
    skew: config.clock_skew / 1000,
  }
  const source = options.public_keys_file
    ? new FileKeys(options.public_keys_file, clock, log)
    : new IssuerKeys({
        issuer,
        authorities: options.issuer_ca_path,
        clock,
        log,
        onTrouble: (reason) => onTrouble(issuer, reason),
      })
  return new Provider(options, rules, source)
}

class TokenAuthenticator implements ServerAuthenticator {
  readonly challenge = 'Bearer realm="telegen"'
  readonly #context: ExtensionContext<OidcOptions>
  readonly #providers: ReadonlyMap<string, Provider>
  readonly #rejected: ReadonlyMap<Reason, BoundCounter>
  readonly #told = new Map<Reason, number>()

  constructor(context: ExtensionContext<OidcOptions>, providers: ReadonlyMap<string, Provider>) {
    this.#context = context
    this.#providers = providers
    const rejected = context.meter.counter('telegen.oidc.rejected.tokens', {
      unit: '{token}',
      description: 'Tokens that were not taken.',
    })
    this.#rejected = new Map(REASONS.map((reason) => [reason, rejected.bound({ extension: context.id, reason })]))
  }

  async authenticate(headers: RequestHeaders): Promise<AuthenticationData> {
    try {
      const token = tokenOf(headers.get(this.#context.config.attribute.toLowerCase()))
      return await this.#providerOf(token).authenticate(token, this.#context.clock.now())
    } catch (error) {
      if (!(error instanceof InvalidToken)) throw error
      this.#count(error)
      throw unauthenticated(error.reason === 'missing' ? 'no token provided' : 'invalid token')
    }
  }

  /** A token says itself whose rules it is to be checked by; that it may say so shows when its signature is checked. */
  #providerOf(token: string): Provider {
    const [only] = this.#providers.values()
    const provider = this.#providers.size === 1 ? only : this.#providers.get(issuerOf(token))
    if (provider === undefined) throw new InvalidToken('issuer')
    return provider
  }

  #count({ reason, cause }: InvalidToken): void {
    this.#rejected.get(reason)?.add(1)
    const now = this.#context.clock.monotonic()
    if (now - (this.#told.get(reason) ?? -Infinity) < QUIET) return
    this.#told.set(reason, now)
    const { message } = (cause ?? {}) as { message?: string }
    this.#context.log.warn({ reason, ...(message !== undefined && { cause: message }) }, 'A token was rejected')
  }
}

function tokenOf(values: readonly string[] = []): string {
  const [value = ''] = values
  if (value === '') throw new InvalidToken('missing')
  if (value.length > LONGEST_TOKEN) throw new InvalidToken('too_long')
  const [, token] = /^bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(value) ?? []
  if (token === undefined) throw new InvalidToken('malformed')
  return token
}

function issuerOf(token: string): string {
  try {
    return decodeJwt(token).iss ?? ''
  } catch (cause) {
    throw new InvalidToken('malformed', cause)
  }
}
