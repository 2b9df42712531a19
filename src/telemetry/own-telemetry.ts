import { randomUUID } from 'node:crypto'
import type { OwnTelemetry } from '../component/context.ts'
import type { Clock } from '../component/clock.ts'
import type { Batch } from '../data/batch.ts'
import type { Measured, Metrics } from '../graph/metrics.ts'
import { encode } from './otlp.ts'

export interface OwnTelemetryOptions {
  readonly metrics: Metrics
  /** Attributes of whatever Telegen tells of itself. */
  readonly resource: Readonly<Record<string, string>>
  readonly version: string
  readonly clock: Clock
  /** Milliseconds since the Unix epoch. */
  readonly startTime: number
  /** Puts what other processes have measured to what this one has. */
  readonly gather?: (own: Measured[]) => Promise<Measured[]>
}

/** What Telegen has measured of itself, for whoever passes it on. */
export class Telemetry implements OwnTelemetry {
  readonly options: OwnTelemetryOptions

  constructor(options: OwnTelemetryOptions) {
    this.options = options
  }

  get level() {
    return this.options.metrics.level
  }

  async collect(): Promise<Batch<'metrics'>> {
    const { resource, version, clock, startTime } = this.options
    const counted = { since: startTime, temporality: 'cumulative' } as const
    return encode({ measured: await this.measured(), resource, version, time: clock.now(), counted: () => counted })
  }

  /** Of all processes of the program. */
  async measured(): Promise<Measured[]> {
    const { metrics, gather } = this.options
    const own = metrics.collect()
    return gather ? gather(own) : own
  }
}

/** The attributes that the Collector gives itself, `written` laid over them; null takes one away. */
export function ownResource(
  written: Readonly<Record<string, string | null>>,
  version: string,
): Readonly<Record<string, string>> {
  const all = { 'service.name': 'telegen', 'service.version': version, 'service.instance.id': randomUUID(), ...written }
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null))
}
