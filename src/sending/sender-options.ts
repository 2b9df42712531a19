import type { Clock } from '../component/clock.ts'
import type { Log } from '../component/context.ts'
import type { Exporter } from '../component/definition.ts'
import type { Meter } from '../component/meter.ts'
import type { SendingOptions } from '../component/sending-options.ts'
import type { StatusReporter } from '../component/status.ts'
import type { Storage } from '../component/storage.ts'
import type { ByteBudget } from '../data/memory/byte-budget.ts'
import type { Signal } from '../data/signal.ts'

export interface SenderOptions {
  /** The exporter's id. */
  readonly id: string
  readonly signal: Signal
  readonly exporter: Exporter
  readonly sending: SendingOptions
  /** The exporter's share of the signal's byte budget: the queue's capacity where none is written. */
  readonly share: number
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
  readonly status: StatusReporter
  /** The signal's: what is read back from disk is charged to it. */
  readonly budget?: ByteBudget
  /** Where `sending_queue::storage` is; asked at the start. Throws where there is none. */
  readonly storage?: () => Storage
  /** Told of items that are lost and that no root delivery tells of: `partial_success`, what the other side took and did not keep. */
  readonly onDropped: (items: number, reason: string, message: string) => void
}
