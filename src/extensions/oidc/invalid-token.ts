/** Why a token is not taken, for the log and a metric; its sender is told only that. */
export const REASONS = [
  'missing',
  'malformed',
  'too_long',
  'algorithm',
  'key',
  'signature',
  'issuer',
  'audience',
  'expired',
  'not_yet_valid',
  'claims',
] as const
export type Reason = (typeof REASONS)[number]

export class InvalidToken extends Error {
  readonly reason: Reason

  constructor(reason: Reason, cause?: unknown) {
    super(`invalid token: ${reason}`, cause === undefined ? undefined : { cause })
    this.name = 'InvalidToken'
    this.reason = reason
  }
}
