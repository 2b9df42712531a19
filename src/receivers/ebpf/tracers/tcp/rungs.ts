import type { Rung } from '../../../../native.ts'

/** What is lost where a kernel lacks it. */
const optional = {
  was_read: 'a connection is owned by the process that listens until one closes it, even where another reads from it',
  retransmitted: 'retransmissions are known only when a connection is closed',
}

/** Tracepoints tell all that is looked for: no function of the kernel need be probed. */
export const rungs: readonly Rung[] = [
  { name: 'tp_btf', needs: ['ringbuf', 'tp_btf'], object: 'tcp/tp_btf', optional },
  { name: 'tracepoint', needs: ['ringbuf', 'tracepoint'], object: 'tcp/tracepoint', optional },
]
