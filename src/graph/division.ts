import type { SendingOptions } from '../component/sending-options.ts'
import type { Configuration, Configured, Limits } from '../config/configuration.ts'
import { SIGNALS } from '../data/signal.ts'
import type { Signal } from '../data/signal.ts'
import { Copies } from './copies.ts'

/** Which part of a configuration runs in how many processes: pure, like the plan that is made of each part. */
export interface Division {
  /** Processes that share the work, the first included: 1 where nothing can be copied. */
  readonly processes: number
  /** What the first one runs: everything, with its share of what is meant for all together. */
  readonly first: Configuration
  /** What each of the others runs: receivers that can be copied, and what they lead to. */
  readonly other: Configuration
  /** Pipelines that run in all of them, and for each of the rest why it runs in the first alone. */
  readonly copied: readonly string[]
  readonly pinned: ReadonlyMap<string, string>
  /** Addresses (`tcp://host:port`) at which several processes may listen, now or after a reload. */
  readonly shared: readonly string[]
}

/** `canShare`: whether this system lets several processes listen at one address. */
export function divide(configuration: Configuration, workers: number, canShare = CAN_SHARE): Division {
  if (workers <= 1) return whole(configuration, new Map(), [])
  const copies = new Copies(configuration, canShare)
  const { copied, pinned, shared } = copies
  if (copied.size === 0) return whole(configuration, pinned, shared)
  const { service } = configuration
  const pipelines = service.pipelines
    .filter(({ id }) => copied.has(id))
    .map((each) => ({ ...each, receivers: each.receivers.filter((id) => copies.feeds(id)) }))
  const signals = new Set(pipelines.map(({ signal }) => signal))
  const limitsOf = (uncopied: (signal: Signal) => number): Limits => {
    const each = SIGNALS.map((signal) => {
      const limit = service.limits[signal]
      return [signal, signals.has(signal) ? Math.floor(limit / workers) : uncopied(signal)] as const
    })
    return Object.fromEntries(each) as Record<Signal, number>
  }
  const divided = {
    ...configuration,
    processors: mapped(configuration.processors, (each) => itsShare(each, workers)),
    exporters: mapped(configuration.exporters, (each) =>
      pipelines.some(({ exporters }) => exporters.includes(each.id))
        ? withShareOfQueue(itsShare(each, workers), workers)
        : each,
    ),
  }
  return {
    processes: workers,
    first: { ...divided, service: { ...service, limits: limitsOf((signal) => service.limits[signal]) } },
    other: {
      ...divided,
      service: { ...service, limits: limitsOf(() => UNUSED), pipelines, extensions: copies.extensions },
    },
    copied: [...copied],
    pinned,
    shared,
  }
}

/** Bytes of a signal of which nothing comes to a process: a budget holds something. */
const UNUSED = 1

/** SO_REUSEPORT, as Linux has it. */
const CAN_SHARE = process.platform === 'linux'

function whole(configuration: Configuration, pinned: Division['pinned'], shared: Division['shared']): Division {
  const other = { ...configuration, service: { ...configuration.service, pipelines: [], extensions: [] } }
  return { processes: 1, first: configuration, other, copied: [], pinned, shared }
}

const share = (amount: number, copies: number): number => Math.ceil(amount / copies)

const mapped = <C extends Configured>(all: ReadonlyMap<string, C>, change: (each: C) => C): ReadonlyMap<string, C> =>
  new Map([...all].map(([id, each]) => [id, change(each)]))

/** With its share of what its options mean for all copies together. */
function itsShare<C extends Configured>(component: C, copies: number): C {
  const { definition, config } = component
  return definition.divided ? { ...component, config: definition.divided(config, copies) } : component
}

/** A queue has room, and sends at the same time, for all copies together as much as is written; for no less than one request each. */
function withShareOfQueue<C extends Configured>(exporter: C, copies: number): C {
  const { sending_queue: queue } = exporter.config as { sending_queue?: SendingOptions['queue'] }
  if (!queue?.enabled) return exporter
  const { queue_size: size, num_consumers: consumers, batch, sizer } = queue
  const isSame = batch?.enabled && (batch.sizer ?? sizer) === sizer
  const least = isSame ? Math.max(batch.min_size, batch.max_size) : 1
  const divided = {
    ...queue,
    num_consumers: share(consumers, copies),
    ...(size !== undefined && { queue_size: Math.min(size, Math.max(least, share(size, copies))) }),
  }
  return { ...exporter, config: { ...(exporter.config as object), sending_queue: divided } }
}
