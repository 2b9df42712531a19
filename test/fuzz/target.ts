import type { Random } from './random.ts'

/** A promise that was broken: `kind` says which, so that the same one is told once. */
export class Finding extends Error {
  readonly kind: string

  constructor(kind: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Finding'
    this.kind = kind
  }

  static from(thrown: unknown): Finding {
    if (thrown instanceof Finding) return thrown
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    const where = /at .*\/((?:src|test)\/[^)]*)/.exec(error.stack ?? '')?.[1] ?? ''
    return new Finding(`threw ${error.name} ${where}`, error.stack ?? error.message, { cause: error })
  }
}

/** What is fuzzed. An input is plain data that `text` and `read` take to a file and back. */
export interface Target<Input> {
  readonly name: string
  /** Inputs under way at the same time. */
  readonly parallel: number
  /** Inputs after which `settled` is asked. */
  readonly settleEvery: number
  open(): Promise<void>
  /** The input that `random` decides. */
  make(random: Random): Input
  /** Rejects with a `Finding` where a promise was broken. */
  run(input: Input): Promise<void>
  /** Checks what must hold when nothing is under way: memory, what is charged, what was thrown where nobody waits. */
  settled(): Promise<void>
  /** Makes all new after a finding, as far as it has to be. */
  reopen(): Promise<void>
  /** Ends, and checks what must hold at an end. */
  close(): Promise<void>
  /** Simpler versions, the simplest first. */
  smaller(input: Input): Iterable<Input>
  text(input: Input): string
  read(text: string): Input
  /** A line about what happened, to see that the inputs reach what they should. */
  told(): string
}
