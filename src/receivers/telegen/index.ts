import { defineReceiver, Options, poll, scraperOptions } from '../../plugin.ts'
import { ownMetrics } from './own-metrics.ts'

export default defineReceiver({
  type: 'telegen',
  summary: "Brings Telegen's own metrics into a pipeline.",
  stability: { metrics: 'alpha' },
  scale: 'global',
  config: Options(scraperOptions('1m')),
  *check({ collection_interval }) {
    if (collection_interval <= 0)
      yield { path: ['collection_interval'], message: '"collection_interval": requires positive value' }
  },
  create: (context) => poll(context, context.config, ownMetrics(context.own)),
})
