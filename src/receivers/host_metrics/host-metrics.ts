import type { Clock, Scraped, ScraperCount } from '../../plugin.ts'
import { metrics } from '../../plugin.ts'
import { BootTime } from './boot-time.ts'
import { HostFiles } from './host-files.ts'
import type { MetricTable } from './metric.ts'
import { Recorder, enabledMetrics } from './metric.ts'
import type { HostMetricsConfig } from './options.ts'
import { SCRAPERS, configuredScrapers } from './options.ts'
import type { Reading, Scraper } from './scraper.ts'

/** The conventions that names and units follow. */
const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.44.0'
const SCOPE = { name: 'telegen/host_metrics', schemaUrl: SCHEMA_URL }

/** Reads the host with all scrapers that are on, at once; what one of them cannot read is no loss to the others. */
export function scrapeHost(config: HostMetricsConfig, clock: Clock): (abort: AbortSignal) => Promise<Scraped> {
  const files = new HostFiles(config.root_path)
  const boot = new BootTime(files, clock)
  const parts = configuredScrapers(config).map(([name, options]) => {
    const { metrics: table, make } = SCRAPERS[name]
    const enabled = enabledMetrics(table, options.metrics)
    return new Part(name, table, enabled, make({ files, clock, enabled, options: options as never }), clock)
  })

  return async (abort) => {
    const errors: Error[] = []
    const bootTime = await boot.read(abort).catch((error: Error) => void errors.push(error))
    const results = await Promise.all(parts.map((part) => part.read(abort)))
    const builder = metrics({}, SCOPE)
    const scrapers: ScraperCount[] = []
    for (const [index, { name, table, enabled }] of parts.entries()) {
      const result = results[index] as Result
      if (result instanceof Error) {
        errors.push(new Error(`${name}: ${result.message}`, { cause: result }))
        scrapers.push({ name, scraped: 0, errored: 1 })
        continue
      }
      const recorder = new Recorder(table, enabled, builder, { time: result.time, boot: bootTime ?? undefined })
      result.reading(recorder)
      scrapers.push({ name, scraped: recorder.points, errored: recorder.faults.length })
      for (const fault of recorder.faults) errors.push(new Error(`${name}: ${fault.message}`, { cause: fault }))
    }
    const batch = builder.finish()
    if (batch.items > 0) return { batches: [batch], errors, scrapers }
    batch.release()
    return { batches: [], errors, scrapers }
  }
}

type Result = { readonly reading: Reading; readonly time: bigint } | Error

/** A scraper in the round: reads once at a time, and gives up waiting when the scrape is aborted. */
class Part {
  readonly name: string
  readonly table: MetricTable
  readonly enabled: ReadonlySet<string>
  readonly #scraper: Scraper
  readonly #clock: Clock
  #isReading = false

  constructor(name: string, table: MetricTable, enabled: ReadonlySet<string>, scraper: Scraper, clock: Clock) {
    this.name = name
    this.table = table
    this.enabled = enabled
    this.#scraper = scraper
    this.#clock = clock
  }

  async read(abort: AbortSignal): Promise<Result> {
    if (this.#isReading) return new Error('the reading before has not ended yet')
    this.#isReading = true
    const reading = this.#scraper(abort)
      .then((read) => ({ reading: read, time: this.#clock.nowNano() }))
      .finally(() => (this.#isReading = false))
    return Promise.race([reading, aborted(abort)]).catch((error: Error) => error)
  }
}

const aborted = (abort: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const give = (): void => reject(new Error('the scrape ran out of time', { cause: abort.reason }))
    if (abort.aborted) give()
    else abort.addEventListener('abort', give, { once: true })
  })
