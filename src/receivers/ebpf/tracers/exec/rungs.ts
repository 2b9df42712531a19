import type { Rung } from '../../../../native.ts'

const optional = { forked: 'processes that begin as a copy of another are not told of' }

export const rungs: readonly Rung[] = [
  { name: 'tp_btf', needs: ['ringbuf', 'tp_btf'], object: 'exec/tp_btf', optional },
  { name: 'tracepoint', needs: ['ringbuf', 'tracepoint'], object: 'exec/tracepoint', optional },
]
