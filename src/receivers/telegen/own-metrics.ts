import type { OwnTelemetry, Scraped } from '../../plugin.ts'

/** Each scrape is one batch of all that is measured. Throws where nothing is. */
export function ownMetrics(own: OwnTelemetry | undefined): () => Promise<Scraped> {
  if (own?.level === 'none') throw new Error('there is nothing to tell: service::telemetry::metrics::level is none')
  return async () => {
    if (own === undefined) throw new Error('nobody measures here')
    return { batches: [await own.collect()] }
  }
}
