import { errors, jwtVerify } from 'jose'
import type { CryptoKey, JWTPayload, JWTVerifyOptions, LocalJWKSet } from 'jose'
import { InvalidToken } from './invalid-token.ts'
import type { Reason } from './invalid-token.ts'

export interface Rules {
  readonly algorithms: readonly string[]
  /** What `iss` must be; anything where undefined. */
  readonly issuer: string | undefined
  /** What must be among `aud`; anything where undefined. */
  readonly audience: string | undefined
  /** Seconds. */
  readonly skew: number
}

export type Claims = JWTPayload & { readonly exp: number }

/**
 * The claims of a token (RFC 7519), whose signature and times are right and that is for us. Keys come from `keys` alone, never from the
 * token's own header. Throws `InvalidToken`. `now`: milliseconds since the Unix epoch.
 */
export async function verified(token: string, keys: LocalJWKSet, rules: Rules, now: number): Promise<Claims> {
  const options: JWTVerifyOptions = {
    algorithms: [...rules.algorithms],
    clockTolerance: rules.skew,
    currentDate: new Date(now),
    requiredClaims: ['exp'],
    ...(rules.issuer !== undefined && { issuer: rules.issuer }),
    ...(rules.audience !== undefined && { audience: rules.audience }),
  }
  const claims = await signed(token, keys, options)
  const { iat } = claims
  if (iat !== undefined && iat > now / 1000 + rules.skew) throw new InvalidToken('not_yet_valid')
  return claims
}

async function signed(token: string, keys: LocalJWKSet, options: JWTVerifyOptions): Promise<Claims> {
  try {
    return (await jwtVerify(token, keys, options)).payload as Claims
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return signedByOne(token, error, options)
    throw invalid(error)
  }
}

/** A token that does not name its key is tried with each that it may be. */
async function signedByOne(
  token: string,
  candidates: AsyncIterable<CryptoKey>,
  options: JWTVerifyOptions,
): Promise<Claims> {
  for await (const key of candidates)
    try {
      return (await jwtVerify(token, key, options)).payload as Claims
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw invalid(error)
    }
  throw new InvalidToken('key')
}

const OF_CLAIM: Readonly<Record<string, Reason>> = {
  iss: 'issuer',
  aud: 'audience',
  nbf: 'not_yet_valid',
  exp: 'expired',
}

function invalid(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return new InvalidToken('expired', error)
  if (error instanceof errors.JWTClaimValidationFailed)
    return new InvalidToken(OF_CLAIM[error.claim] ?? 'claims', error)
  if (error instanceof errors.JOSEAlgNotAllowed) return new InvalidToken('algorithm', error)
  if (error instanceof errors.JWKSNoMatchingKey) return new InvalidToken('key', error)
  if (error instanceof errors.JWSSignatureVerificationFailed) return new InvalidToken('signature', error)
  if (error instanceof errors.JOSEError) return new InvalidToken('malformed', error)
  return error
}
