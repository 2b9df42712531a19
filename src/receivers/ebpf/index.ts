import { defineReceiver, ProcessFeed } from '../../plugin.ts'
import { ebpf } from './ebpf.ts'
import { ebpfFaults, ebpfOptions } from './options.ts'

export default defineReceiver({
  type: 'ebpf',
  summary: 'Sees HTTP, TCP, DNS and processes of this host from the kernel, without touching the applications.',
  stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha' },
  scale: 'global',
  config: ebpfOptions,
  check: ebpfFaults,
  offers: ({ tracers }) => (tracers.exec ? [ProcessFeed] : []),
  create: (context) => ebpf(context),
})
