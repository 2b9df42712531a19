import { Observable } from 'rxjs'
import type { Batch } from '../data/batch.ts'
import { ITEMS } from '../data/signal.ts'
import type { Signal } from '../data/signal.ts'
import type { ReceiverContext } from './context.ts'
import type { Receiver } from './definition.ts'
import type { Delivery } from './delivery.ts'
import type { Meter } from './meter.ts'
import { Duration } from './options.ts'
import { Refused } from './refused.ts'

/** The Collector's scraper options; each polling receiver spreads them into its own. */
export const scraperOptions = (interval: string) => ({
  collection_interval: Duration({ default: interval, description: 'Time between the starts of two scrapes.' }),
  initial_delay: Duration({ default: '1s', description: 'Wait before the first scrape.' }),
  timeout: Duration({ default: '0s', description: 'How long a scrape may take; 0 means until the next one is due.' }),
})

/** How long a scrape that was told to end may take to do so before it is named, in milliseconds. */
const GRACE = 5_000

export interface PollTiming {
  /** Milliseconds. */
  readonly collection_interval: number
  readonly initial_delay: number
  readonly timeout: number
}

/** What one scrape saw: batches, and what could not be read although the rest could. */
export interface Scraped {
  readonly batches: readonly Batch[]
  readonly errors?: readonly Error[]
  /** What each part of the receiver saw, where it has several: told in its metrics. Else all of it is the receiver's own. */
  readonly scrapers?: readonly ScraperCount[]
}

export interface ScraperCount {
  readonly name: string
  readonly scraped: number
  /** Readings that failed. */
  readonly errored: number
}

/**
 * A receiver that takes data in on a schedule. Scrapes never overlap, each has a deadline, and each start strays by up to a
 * twentieth of the interval so that many agents do not scrape in step. A tick that finds the gate closed is skipped and
 * counted. A scrape that fails turns the status to recoverable, the next good one back to ok; so do partial errors.
 */
export function poll(
  context: ReceiverContext,
  timing: PollTiming,
  scrape: (abort: AbortSignal) => Promise<Scraped>,
): Receiver {
  const { clock, ingress, log, meter, status, id } = context
  const count = scrapeCounts(meter, id)
  const skipped = meter.counter('telegen.scraper.skipped', {
    unit: '{scrape}',
    description: 'Scrapes left out because the gate was closed.',
  })
  const dropped = meter.counter('telegen.dropped.items', {
    unit: '{item}',
    description: 'Items that were lost, by component and reason.',
  })
  const signal = ingress.signals[0] as Signal

  const once = async (emit: (delivery: Delivery) => void, stop: AbortSignal): Promise<void> => {
    if (ingress.closed(signal)) return skipped.add(1, { receiver: id })
    const limit = timing.timeout || timing.collection_interval
    const deadline = AbortSignal.any([stop, AbortSignal.timeout(limit)])
    const stuck = clock.after(limit + GRACE, () => {
      if (stop.aborted) return
      status.recoverable(`a scrape has not ended although it was told to after ${limit} ms`)
      log.error({}, 'A scrape does not end: nothing is scraped until it does')
    })
    try {
      const scraped = await scrape(deadline)
      const { batches, errors = [] } = scraped
      if (stop.aborted) return batches.forEach((batch) => batch.release())
      count(scraped)
      const problems = [...errors, ...take(batches, emit)]
      if (problems.length === 0) return status.ok()
      throw new AggregateError(problems, problems.map((error) => error.message).join('; '))
    } catch (error) {
      if (stop.aborted) return
      status.recoverable(`scraping failed: ${(error as Error).message}`)
      log.warn({ error }, 'Scraping failed; the next interval tries again')
    } finally {
      stuck.cancel()
    }
  }

  /** What is handed back is lost: nobody scrapes the past again. */
  const answer = (delivery: Delivery): void => {
    const { items, signal: of } = delivery.batch
    delivery.reached(ingress.acknowledge).catch((refused: Refused) => {
      dropped.add(items, { component: refused.component ?? id, signal: of, reason: refused.reason })
    })
  }

  /** Lets each batch in. The gate counts those that it is closed for; one that it would never take is a problem. */
  const take = (batches: readonly Batch[], emit: (delivery: Delivery) => void): Error[] => {
    const problems: Error[] = []
    for (const batch of batches) {
      try {
        const delivery = ingress.admit(batch.signal, batch)
        answer(delivery)
        emit(delivery)
      } catch (error) {
        if (!(error instanceof Refused) || !error.retryable) problems.push(error as Error)
      }
    }
    return problems
  }

  const run = async (emit: (delivery: Delivery) => void, stop: AbortSignal): Promise<void> => {
    await clock.sleep(timing.initial_delay, stop)
    for (let due = clock.monotonic(); ; due = Math.max(due + timing.collection_interval, clock.monotonic())) {
      const jitter = Math.random() * (timing.collection_interval / 20)
      await clock.sleep(Math.max(0, due + jitter - clock.monotonic()), stop)
      await once(emit, stop)
    }
  }

  return {
    open: async () =>
      new Observable<Delivery>((subscriber) => {
        const stop = new AbortController()
        run((delivery) => subscriber.next(delivery), stop.signal).catch((error: unknown) => {
          if (!stop.signal.aborted) subscriber.error(error)
        })
        return () => stop.abort(new Error('stopped'))
      }),
    close: async () => {},
  }
}

/** The Collector's counters of scrapes, by its names. */
function scrapeCounts(meter: Meter, receiver: string): (scraped: Scraped) => void {
  const counter = (what: string, items: string, description: string) =>
    meter.counter(`otelcol_scraper_${what}_${items}`, { unit: '{datapoint}', description })
  const counters = (items: string) => ({
    scraped: counter('scraped', items, 'Items that were scraped.'),
    errored: counter('errored', items, 'Readings that failed.'),
  })
  const own = /^[^/]*/.exec(receiver)?.[0] ?? receiver
  return ({ batches, errors = [], scrapers }) => {
    const total = batches.reduce((sum, { items }) => sum + items, 0)
    const parts = scrapers ?? [{ name: own, scraped: total, errored: errors.length }]
    const { scraped, errored } = counters(ITEMS[batches[0]?.signal ?? 'metrics'])
    for (const part of parts) {
      const labels = { receiver, scraper: part.name }
      scraped.add(part.scraped, labels)
      errored.add(part.errored, labels)
    }
  }
}
