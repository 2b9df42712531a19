import type { Catalog } from '../component/catalog.ts'
import type { Log } from '../component/context.ts'
import type { MetricReader } from '../config/telemetry.ts'
import { equal } from '../graph/equal.ts'
import type { Telemetry } from '../telemetry/own-telemetry.ts'
import type { Reader } from '../telemetry/reader.ts'
import { startReaders } from '../telemetry/readers.ts'

/** How long readers that give way to others may take for what they have left, in milliseconds. */
const FAREWELL = 2_000

interface Running {
  readonly wanted: readonly MetricReader[]
  readonly catalog: Catalog
  readonly reader: Reader
}

/** Who reads the metrics of the process itself: as the configuration has them now. */
export class RunningReaders {
  readonly #own: Telemetry
  readonly #log: Log
  #running: Running | undefined

  constructor(own: Telemetry, log: Log) {
    this.#own = own
    this.#log = log
  }

  /** Where they differ, the old ones stop before the new ones start: they may share an address. Rejects where one cannot start; the old ones are back then. */
  async become(wanted: readonly MetricReader[], catalog: Catalog): Promise<void> {
    const before = this.#running
    if (before && equal(before.wanted, wanted)) return
    await this.stop(AbortSignal.timeout(FAREWELL))
    try {
      await this.#start(wanted, catalog)
    } catch (error) {
      if (before) await this.#start(before.wanted, before.catalog)
      throw error
    }
  }

  async stop(deadline: AbortSignal): Promise<void> {
    const running = this.#running
    this.#running = undefined
    await running?.reader.stop(deadline)
  }

  async #start(wanted: readonly MetricReader[], catalog: Catalog): Promise<void> {
    const reader = await startReaders(wanted, { own: this.#own, log: this.#log, catalog })
    this.#running = { wanted, catalog, reader }
  }
}
