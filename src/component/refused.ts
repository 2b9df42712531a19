/**
 * Why a delivery was not taken, and whether sending it again can help.
 *
 * `code` is a gRPC status name in lower case (https://grpc.io/docs/guides/status-codes/); `statuses.ts` maps it to gRPC
 * and HTTP statuses and back. Nothing else may end a delivery badly.
 */
export type RefusalCode =
  | 'cancelled'
  | 'unknown'
  | 'invalid_argument'
  | 'deadline_exceeded'
  | 'not_found'
  | 'already_exists'
  | 'permission_denied'
  | 'resource_exhausted'
  | 'failed_precondition'
  | 'aborted'
  | 'out_of_range'
  | 'unimplemented'
  | 'internal'
  | 'unavailable'
  | 'data_loss'
  | 'unauthenticated'

/** `after` in milliseconds: the earliest moment at which trying again makes sense. */
export type Retry = 'never' | { readonly after?: number }

export interface RefusedOptions {
  readonly code: RefusalCode
  readonly retry: Retry
  readonly cause?: unknown
  /** Records that the refusal is about, where it is not all of them. */
  readonly items?: number
  /** A word for the metric of what is lost, where the code says too little: `too_large`, `displaced`. */
  readonly reason?: string
}

export class Refused extends Error {
  readonly code: RefusalCode
  readonly retry: Retry
  readonly items: number | undefined
  /** A word, under which it is counted where it means a loss. */
  readonly reason: string
  /** The id of the component that refused (`otlp_http/backup`), once known. */
  component: string | undefined

  constructor(message: string, options: RefusedOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Refused'
    this.code = options.code
    this.retry = options.retry
    this.items = options.items
    this.reason = options.reason ?? options.code
  }

  get retryable(): boolean {
    return this.retry !== 'never'
  }

  /** What was thrown, as a refusal: a `Refused` as it is, anything else as one that must not be retried. */
  static from(thrown: unknown): Refused {
    if (thrown instanceof Refused) return thrown
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    return new Refused(message, { code: 'internal', retry: 'never', cause: thrown })
  }
}
