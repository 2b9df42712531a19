import type { Context, Log } from '../../src/component/context.ts'
import type { Meter } from '../../src/component/meter.ts'
import type { StatusReporter } from '../../src/component/status.ts'
import { TestClock } from '../../src/testing/test-clock.ts'

/** What a component says about itself, kept for a test to look at. */
export class TestContext<Config> implements Context<Config> {
  readonly id: string
  readonly config: Config
  readonly clock = new TestClock(1_700_000_000_000)
  /** `warn Splitting failed`, one for each line. */
  readonly lines: string[] = []
  /** `recoverable: disk full`, one for each report. */
  readonly reports: string[] = []
  readonly counts = new Map<string, number>()

  constructor(id: string, config: Config) {
    this.id = id
    this.config = config
  }

  readonly log: Log = {
    debug: (_, message) => void this.lines.push(`debug ${message}`),
    info: (_, message) => void this.lines.push(`info ${message}`),
    warn: (_, message) => void this.lines.push(`warn ${message}`),
    error: (_, message) => void this.lines.push(`error ${message}`),
  }

  readonly status: StatusReporter = {
    ok: () => void this.reports.push('ok'),
    recoverable: (reason) => void this.reports.push(`recoverable: ${reason}`),
    permanent: (reason) => void this.reports.push(`permanent: ${reason}`),
  }

  readonly meter: Meter = {
    counter: (name) => {
      const add = (value: number) => void this.counts.set(name, (this.counts.get(name) ?? 0) + value)
      return { add, bound: () => ({ add }) }
    },
    upDownCounter: (name) => this.meter.counter(name, { unit: '', description: '' }),
    histogram: () => ({ record: () => {} }),
    gauge: () => () => {},
    observableCounter: () => () => {},
    observableUpDownCounter: () => () => {},
  }

  extension(): never {
    throw new Error('there are no extensions')
  }
}
