import { defineReceiver, poll } from '../../plugin.ts'
import { scrapeHost } from './host-metrics.ts'
import { checkHostMetrics, hostMetricsOptions } from './options.ts'

export default defineReceiver({
  type: 'host_metrics',
  aliases: ['hostmetrics'],
  summary: "Reads this host's CPU, memory, disks, filesystems, network and processes from /proc and /sys.",
  stability: { metrics: 'alpha' },
  scale: 'global',
  config: hostMetricsOptions,
  check: checkHostMetrics,
  create: (context) => poll(context, context.config, scrapeHost(context.config, context.clock)),
})
