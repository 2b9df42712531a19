import { constants, monitorEventLoopDelay, performance, PerformanceObserver } from 'node:perf_hooks'
import type { Forget, InstrumentOptions, Meter } from '../component/meter.ts'

/** How often the delay is measured, in milliseconds. It is the floor of what is seen, and is taken off. Each time wakes the process: every 20 ms was half of what an idle one took. */
const RESOLUTION = 100
/** Whoever looks sees what the last whole window had, of at least this many milliseconds: two readers do not empty it for each other. */
const WINDOW = 10_000
const NANOSECONDS = 1e9

/**
 * How busy the event loop is and how long garbage collections take, by the names of the semantic conventions
 * (https://opentelemetry.io/docs/specs/semconv/runtime/nodejs-metrics/ and …/v8js-metrics/).
 */
export function observeRuntime(meter: Meter): Forget {
  const forgets = [observeDelay(meter), observeUtilization(meter), observeCollections(meter)]
  return () => forgets.forEach((forget) => forget())
}

function observeDelay(meter: Meter): Forget {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION })
  histogram.enable()
  const window = new Window(histogram)
  const gauge = (name: keyof Delays, description: string) =>
    meter.gauge(`nodejs.eventloop.delay.${name}`, { ...about(description), across: 'max' }, () => window.look()[name])
  const forgets = [
    gauge('mean', 'Event loop mean delay.'),
    gauge('max', 'Event loop maximum delay.'),
    gauge('p50', 'Event loop 50 percentile delay.'),
    gauge('p90', 'Event loop 90 percentile delay.'),
    gauge('p99', 'Event loop 99 percentile delay.'),
  ]
  return () => {
    histogram.disable()
    forgets.forEach((forget) => forget())
  }
}

type DelayHistogram = ReturnType<typeof monitorEventLoopDelay>

interface Delays {
  readonly mean: number
  readonly max: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

/** The delays of the last whole window; of what there is yet, until the first one is over. */
class Window {
  readonly #histogram: DelayHistogram
  #since = performance.now()
  #last: Delays | undefined

  constructor(histogram: DelayHistogram) {
    this.#histogram = histogram
  }

  look(): Delays {
    const now = performance.now()
    if (now - this.#since < WINDOW) return this.#last ?? this.#read()
    this.#last = this.#read()
    this.#histogram.reset()
    this.#since = now
    return this.#last
  }

  /** In seconds; not numbers where nothing was measured, and then not shown. */
  #read(): Delays {
    const { mean, max, count } = this.#histogram
    const seconds = (nanoseconds: number) =>
      count === 0 ? NaN : Math.max(0, nanoseconds - RESOLUTION * 1e6) / NANOSECONDS
    const quantile = (percent: number) => seconds(this.#histogram.percentile(percent))
    return { mean: seconds(mean), max: seconds(max), p50: quantile(50), p90: quantile(90), p99: quantile(99) }
  }
}

/** The share of time that the loop was busy since the last look, which every reader takes for itself alone: so the times are told, not the share. */
function observeUtilization(meter: Meter): Forget {
  const time = (state: 'active' | 'idle') =>
    meter.observableCounter(
      'nodejs.eventloop.time',
      about('Cumulative duration of time the event loop has been in each state.'),
      () => performance.eventLoopUtilization()[state] / 1_000,
      { 'nodejs.eventloop.state': state },
    )
  const forgets = [time('active'), time('idle')]
  return () => forgets.forEach((forget) => forget())
}

function observeCollections(meter: Meter): Forget {
  const durations = meter.histogram('v8js.gc.duration', {
    ...about('Garbage collection duration.'),
    boundaries: [0.01, 0.1, 1, 10],
  })
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail, duration } = entry as typeof entry & { readonly detail?: { readonly kind?: number } }
      const labels = KINDS.get(detail?.kind ?? -1)
      if (labels) durations.record(duration / 1_000, labels)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => observer.disconnect()
}

const KINDS = new Map(
  [
    [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
    [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
    [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
    [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
  ].map(([kind, type]) => [kind as number, { 'v8js.gc.type': type as string }] as const),
)

const about = (description: string): InstrumentOptions => ({
  unit: 's',
  value: 'double',
  level: 'normal',
  description,
})
