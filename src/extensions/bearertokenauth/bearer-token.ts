import { createHash, timingSafeEqual } from 'node:crypto'
import { ClientAuthentication, CredentialsFile, offer, ServerAuthentication, unauthenticated } from '../../plugin.ts'
import type { ClientAuthenticator, Extension, ExtensionContext, ServerAuthenticator } from '../../plugin.ts'
import type { BearerOptions } from './options.ts'

/** Sends a token with requests that leave, and asks for one of requests that arrive. */
export function bearerToken({ config, clock, log }: ExtensionContext<BearerOptions>): Extension {
  const { filename, token, tokens = [] } = config
  const values = new Values(config.scheme)
  values.use(tokens.length > 0 ? tokens.map((each) => each.reveal()) : linesOf(token?.reveal() ?? ''))
  const file =
    filename && tokens.length === 0
      ? new CredentialsFile({ path: filename, clock, log, onContent: (content) => values.use(linesOf(content)) })
      : undefined
  return {
    offers: [
      offer(ClientAuthentication, clientOf(config, values)),
      offer(ServerAuthentication, serverOf(config, values)),
    ],
    async start() {
      if (filename && !file) log.warn({ filename }, 'Both tokens and a file are given: the tokens are used')
      if (file && token) log.warn({ filename }, 'Both a token and a file are given: the file is used')
      await file?.start()
    },
    async stop() {
      file?.stop()
    },
  }
}

/** A token in each line; what follows it after a space is a comment. */
const linesOf = (text: string): string[] =>
  text.split('\n').flatMap((line) => {
    const [first = ''] = line.trim().split(/\s+/)
    return first === '' ? [] : [first]
  })

const clientOf = ({ header }: BearerOptions, values: Values): ClientAuthenticator => ({
  confidential: true,
  authenticate(headers) {
    headers.set(header.toLowerCase(), values.first)
  },
})

const serverOf = ({ header, scheme }: BearerOptions, values: Values): ServerAuthenticator => ({
  challenge: `${/^[\w-]+$/.test(scheme) ? scheme : 'Bearer'} realm="telegen"`,
  authenticate(headers) {
    const [value] = headers.get(header.toLowerCase()) ?? []
    if (value === undefined) throw unauthenticated(`missing or empty authorization header: ${header}`)
    if (!values.has(value)) throw unauthenticated('provided authorization does not match expected scheme or token')
    return undefined
  },
})

/** What the header may say: the scheme and one of the tokens. */
class Values {
  readonly #scheme: string
  #texts: readonly string[] = []
  #digests: readonly Buffer[] = []

  constructor(scheme: string) {
    this.#scheme = scheme
  }

  get first(): string {
    return this.#texts[0] ?? ''
  }

  use(tokens: readonly string[]): void {
    this.#texts = tokens.map((token) => (this.#scheme === '' ? token : `${this.#scheme} ${token}`))
    this.#digests = this.#texts.map(digestOf)
  }

  /** Takes as long whichever token it is, and however much of it is right. */
  has(value: string): boolean {
    const digest = digestOf(value)
    let found = false
    for (const each of this.#digests) found = timingSafeEqual(each, digest) || found
    return found
  }
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()
