import { generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { SignJWT } from 'jose'
import type { JWK, JWTPayload } from 'jose'
import type { Certificate } from '../../transport/certificates.ts'

type Kind = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'

/** A key pair of an issuer. */
export class SigningKey {
  readonly kid: string
  readonly alg: Kind
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject

  constructor(kid: string, alg: Kind = 'ES256') {
    this.kid = kid
    this.alg = alg
    const { privateKey, publicKey } = pairOf(alg)
    this.privateKey = privateKey
    this.publicKey = publicKey
  }

  get jwk(): JWK {
    return { ...(this.publicKey.export({ format: 'jwk' }) as JWK), kid: this.kid, alg: this.alg, use: 'sig' }
  }

  /** A token, by default one that is right. `now`: milliseconds since the Unix epoch. */
  token(claims: JWTPayload, now: number, header: Record<string, unknown> = {}): Promise<string> {
    const seconds = Math.floor(now / 1000)
    return new SignJWT({ iat: seconds, exp: seconds + 300, ...claims })
      .setProtectedHeader({ alg: this.alg, kid: this.kid, ...header })
      .sign(this.privateKey)
  }
}

function pairOf(alg: Kind): { privateKey: KeyObject; publicKey: KeyObject } {
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519')
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
}

/** An OpenID Connect issuer, as far as its keys go. */
export class Issuer implements AsyncDisposable {
  keys: readonly unknown[] = []
  /** What it says of itself, over what is right. */
  about: Record<string, unknown> = {}
  /** Answers instead of it. */
  answer: ((response: http.ServerResponse) => void) | undefined
  /** Times that the keys were asked for. */
  asked = 0
  readonly #server: http.Server
  readonly #scheme: string

  private constructor(certificate?: Certificate) {
    const answer = (request: http.IncomingMessage, response: http.ServerResponse) => this.#answer(request, response)
    this.#scheme = certificate ? 'https' : 'http'
    this.#server = certificate
      ? https.createServer({ cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) }, answer)
      : http.createServer(answer)
  }

  static async start(keys: readonly SigningKey[], certificate?: Certificate, port = 0): Promise<Issuer> {
    const issuer = new Issuer(certificate)
    issuer.keys = keys.map(({ jwk }) => jwk)
    await new Promise<void>((resolve) => issuer.#server.listen(port, '127.0.0.1', resolve))
    return issuer
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}/realm`
  }

  #answer({ url }: http.IncomingMessage, response: http.ServerResponse): void {
    if (url === '/keys') this.asked++
    if (this.answer) return this.answer(response)
    const origin = `${this.#scheme}://127.0.0.1:${this.port}`
    const pages: Record<string, object> = {
      '/realm/.well-known/openid-configuration': { issuer: this.url, jwks_uri: `${origin}/keys`, ...this.about },
      '/keys': { keys: this.keys },
    }
    const page = pages[url ?? '']
    response.writeHead(page ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(page ?? {}))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }
}
