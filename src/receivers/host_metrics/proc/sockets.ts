/** TCP states by the kernel's number (include/net/tcp_states.h), under the names of `network.connection.state`. */
const STATES: readonly (TcpState | undefined)[] = [
  undefined,
  'established',
  'syn_sent',
  'syn_received',
  'fin_wait_1',
  'fin_wait_2',
  'time_wait',
  'closed',
  'close_wait',
  'last_ack',
  'listen',
  'closing',
  'syn_received',
]

export type TcpState =
  | 'established'
  | 'syn_sent'
  | 'syn_received'
  | 'fin_wait_1'
  | 'fin_wait_2'
  | 'time_wait'
  | 'closed'
  | 'close_wait'
  | 'last_ack'
  | 'listen'
  | 'closing'

const NEWLINE = 0x0a
const SPACE = 0x20
/** `sl local_address rem_address st`: the state is the fourth field. */
const STATE_FIELD = 4

/**
 * Counts the sockets of /proc/net/tcp and tcp6 (proc_pid_net(5)) by state. They come as chunks that end anywhere, since on a busy
 * host the file is too large to hold; all that is kept is how far into a line the last chunk got.
 */
export class SocketCounter {
  readonly counts = new Map<TcpState, number>()
  #heading = true
  #field = 0
  #inField = false
  #state = 0

  constructor() {
    for (const state of STATES) if (state) this.counts.set(state, 0)
  }

  /** The next file begins, with its heading. */
  begin(): void {
    this.#endLine()
    this.#heading = true
  }

  take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (byte === NEWLINE) {
        this.#endLine()
      } else if (this.#field > STATE_FIELD) {
        const end = chunk.indexOf(NEWLINE, at)
        if (end < 0) return
        at = end - 1
      } else if (byte === SPACE) {
        this.#inField = false
      } else {
        if (!this.#inField) this.#field++
        this.#inField = true
        if (this.#field === STATE_FIELD) this.#state = this.#state * 16 + digit(byte)
      }
    }
  }

  #endLine(): void {
    const state = this.#heading || this.#field < STATE_FIELD ? undefined : STATES[this.#state]
    if (state !== undefined) this.counts.set(state, (this.counts.get(state) as number) + 1)
    this.#heading = false
    this.#field = 0
    this.#inField = false
    this.#state = 0
  }
}

/** NaN for what is no digit: such a state matches none. */
function digit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  if (byte >= 0x41 && byte <= 0x46) return byte - 0x37
  return NaN
}
