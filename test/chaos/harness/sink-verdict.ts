export interface Reply {
  /** HTTP's status. */
  readonly status: number
  /** Records of a partial success. */
  readonly rejected: number
  readonly retryAfter?: string
  /** Seconds in a RetryInfo. */
  readonly retryInfo?: number
}

export interface Verdict {
  /** Undefined: never answered. */
  readonly reply: Reply | 'reset' | undefined
  readonly delay?: number
  /** To be called where the sender left before it had the answer: it will send again. */
  readonly left?: () => void
}

export interface Listener {
  close(): Promise<void>
}

/** `mark`: what the header `x-chaos` said. */
export type Judge = (request: Buffer, mark: string | undefined) => Verdict

/** How long a backend that goes away still answers what it has taken. */
export const LAST_ANSWERS_MS = 2_000

export const OK: Reply = { status: 200, rejected: 0 }

/** ExportTracePartialSuccess in its response: `partial_success` 1, `rejected_spans` 1, `error_message` 2. */
export function partialSuccess(rejected: number): Buffer {
  if (rejected === 0) return Buffer.alloc(0)
  const count = rejected < 128 ? [rejected] : [(rejected & 127) | 128, rejected >> 7]
  const says = Buffer.from('too old')
  const inner = Buffer.concat([Buffer.from([8, ...count, 18, says.length]), says])
  return Buffer.concat([Buffer.from([10, inner.length]), inner])
}
