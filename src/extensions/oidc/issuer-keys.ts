import { Refused } from '../../plugin.ts'
import type { Clock, Log, Timer } from '../../plugin.ts'
import { keySetOf } from './key-set.ts'
import type { KeySet } from './key-set.ts'
import type { KeySource } from './provider.ts'

/** How often the issuer is asked at most because a token names an unknown key, in milliseconds: tokens can be made up. */
const COOLDOWN = 10_000
/** How often it is asked in any case, so that keys it no longer has are forgotten. */
const REFRESH_INTERVAL = 10 * 60_000
/** Between attempts while there are no keys at all: the first wait, doubled up to the last. */
const FIRST_RETRY = 1000
const LAST_RETRY = 30_000

export interface IssuerKeysOptions {
  readonly issuer: string
  /** File with authorities in PEM. */
  readonly authorities: string | undefined
  readonly clock: Clock
  readonly log: Log
  /** Told why there are no keys, and with undefined once there are. */
  readonly onTrouble: (reason: string | undefined) => void
}

/** The keys that an issuer publishes (OpenID Connect Discovery 1.0), asked for in the background and when a token names one that is unknown. */
export class IssuerKeys implements KeySource {
  keys: KeySet | undefined
  readonly #options: IssuerKeysOptions
  readonly #stop = new AbortController()
  #loading: Promise<void> | undefined
  #next = -Infinity
  #retry = FIRST_RETRY
  #timer: Timer | undefined
  #isFailing = false

  constructor(options: IssuerKeysOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    void this.#load()
  }

  stop(): void {
    this.#stop.abort(new Error('stopped'))
    this.#timer?.cancel()
  }

  async newer(than: KeySet | undefined): Promise<KeySet | undefined> {
    if (this.keys !== than) return this.keys
    const isUnderWay = this.#loading !== undefined
    if (!isUnderWay && this.#left > 0) throw unavailable(this.#left)
    await this.#load()
    if (this.keys !== than) return this.keys
    // A question that was under way already may be older than the key that is looked for.
    if (isUnderWay || this.#isFailing) throw unavailable(this.#left)
    return undefined
  }

  /** Milliseconds until the issuer may be asked again. */
  get #left(): number {
    return this.#next - this.#options.clock.monotonic()
  }

  /** Never rejects; one at a time. */
  #load(): Promise<void> {
    return (this.#loading ??= this.#ask().finally(() => (this.#loading = undefined)))
  }

  async #ask(): Promise<void> {
    const { clock, log, issuer, onTrouble } = this.#options
    this.#timer?.cancel()
    try {
      const text = await this.#keysText()
      if (text !== this.keys?.text) this.#use(keySetOf(text))
      if (this.#isFailing) log.info({ issuer }, 'The issuer tells its keys again')
      this.#isFailing = false
      this.#retry = FIRST_RETRY
      onTrouble(undefined)
    } catch (error) {
      if (this.#stop.signal.aborted) return
      this.#failed(error as Error)
    }
    const wait = this.keys ? REFRESH_INTERVAL : this.#retry
    this.#next = clock.monotonic() + Math.min(wait, COOLDOWN)
    if (!this.keys) this.#retry = Math.min(this.#retry * 2, LAST_RETRY)
    if (!this.#stop.signal.aborted) this.#timer = clock.after(wait, () => void this.#load())
  }

  #use(keys: KeySet): void {
    const { log, issuer } = this.#options
    if (this.keys) log.info({ issuer }, 'The issuer has changed its keys')
    if (keys.unusable > 0) log.warn({ issuer, keys: keys.unusable }, 'Some keys of the issuer cannot be used')
    this.keys = keys
  }

  #failed(error: Error): void {
    const { log, issuer, onTrouble } = this.#options
    const reason = `the keys of the issuer ${issuer} cannot be read: ${sentence(error)}`
    if (this.keys && !this.#isFailing)
      log.warn({ issuer, reason }, 'The keys of the issuer are not renewed; the old ones stay')
    this.#isFailing = true
    if (!this.keys) onTrouble(reason)
  }

  async #keysText(): Promise<string> {
    const { issuer, authorities, clock } = this.#options
    const how = { clock, abort: this.#stop.signal, authorities }
    // With an HTTP client that those who have their keys in a file never load.
    const { fetchText } = await import('./fetch-text.ts')
    const page = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    const about = described(await fetchText(page, how))
    if (about.issuer !== issuer)
      throw new Error(`"${page.href}" describes another issuer: issuer_url must be the same to the letter`)
    const keys =
      typeof about.jwks_uri === 'string' && URL.canParse(about.jwks_uri) ? new URL(about.jwks_uri) : undefined
    if (keys === undefined) throw new Error(`"${page.href}" does not say where the keys are`)
    // Keys that come in the clear could be anybody's.
    if (keys.protocol !== 'https:' && keys.protocol !== page.protocol)
      throw new Error(`"${page.href}" says to get the keys without TLS`)
    return fetchText(keys, how)
  }
}

function described(text: string): { readonly issuer?: unknown; readonly jwks_uri?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as object
  } catch {
    throw new Error('what it says about itself is not JSON')
  }
}

const unavailable = (after: number): Refused =>
  new Refused('the keys to check tokens with are not available', {
    code: 'unavailable',
    retry: { after: Math.ceil(after) },
  })

/** Errors of connecting to several addresses have no message of their own. */
function sentence(error: Error): string {
  if (error.message !== '') return error.message
  return error instanceof AggregateError ? error.errors.map((each: Error) => each.message).join(', ') : error.name
}
