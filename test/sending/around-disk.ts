import type { Exporter } from '../../src/component/definition.ts'
import { UNKNOWN_ORIGIN } from '../../src/component/delivery.ts'
import type { Level, Origin, Outcome } from '../../src/component/delivery.ts'
import { rootDelivery } from '../../src/component/delivery-node.ts'
import type { DeliveryNode } from '../../src/component/delivery-node.ts'
import { Refused } from '../../src/component/refused.ts'
import type { SendingOptions } from '../../src/component/sending-options.ts'
import { batchOfSlab, overdrawnSlab } from '../../src/data/batch.ts'
import { fromObject } from '../../src/data/codec/from-object.ts'
import { ByteBudget } from '../../src/data/memory/byte-budget.ts'
import { Metrics } from '../../src/graph/metrics.ts'
import { Sender } from '../../src/sending/sender.ts'
import { TestClock } from '../../src/testing/test-clock.ts'
import { logsRequest } from '../graph/requests.ts'
import { FakeStorage } from './fake-storage.ts'

export type Queue = NonNullable<SendingOptions['queue']>

export const DISK: Queue = {
  enabled: true,
  num_consumers: 1,
  block_on_overflow: false,
  wait_for_result: false,
  spill: false,
  on_full: 'hold',
  storage: 'disk',
}
export const RETRY: NonNullable<SendingOptions['retry']> = {
  enabled: true,
  initial_interval: 1000,
  randomization_factor: 0,
  multiplier: 2,
  max_interval: 4000,
  max_elapsed_time: 0,
}

export const away = (after?: number) =>
  new Refused('away', { code: 'unavailable', retry: after === undefined ? {} : { after } })
export const bad = () => new Refused('bad', { code: 'invalid_argument', retry: 'never' })
export const hangUntil = (abort: AbortSignal) =>
  new Promise<void>((_, reject) => {
    const leave = () => reject(abort.reason as Error)
    if (abort.aborted) leave()
    else abort.addEventListener('abort', leave)
  })

/** What a slab of these tests takes of a budget. */
export const SLAB = 1024
export const never = new AbortController().signal

export interface AroundOptions {
  readonly send?: Exporter['send']
  readonly queue?: Partial<Queue>
  readonly retry?: Partial<typeof RETRY>
  readonly share?: number
  readonly storage?: FakeStorage
  readonly timeout?: number
}

/** A disk, a backend that can be scripted, senders before it one after the other, and deliveries of numbered records. */
export class AroundDisk {
  readonly storage: FakeStorage
  readonly clock = new TestClock()
  budget: ByteBudget
  readonly metrics = new Metrics()
  readonly outcomes: (Outcome | undefined)[] = []
  /** Numbers of deliveries whose sender has been told that they were taken. */
  readonly acknowledged = new Set<number>()
  readonly told = new Map<number, Set<Level>>()
  readonly dropped: { items: number; reason: string }[] = []
  readonly lost: { items: number; reason: string }[] = []
  readonly warnings: { fields: object; message: string }[] = []
  readonly states: string[] = []
  /** Numbers of records that the backend has taken, a list for each request. */
  readonly requests: number[][] = []
  readonly metadata: object[] = []
  readonly refusedForGood: number[] = []
  send: Exporter['send'] = async () => {}

  constructor(budget: number = 1e9, storage: FakeStorage = new FakeStorage()) {
    this.budget = new ByteBudget(budget)
    this.storage = storage
  }

  sender({
    send,
    queue = {},
    retry = {},
    share = 1e6,
    storage = this.storage,
    timeout = 0,
  }: AroundOptions = {}): Sender {
    const silent = () => {}
    return new Sender({
      id: 'test/out',
      signal: 'logs',
      exporter: {
        send: async (batch, options) => {
          const numbers = numbersIn(batch.segments())
          const result = await (send ?? this.send)(batch, options).catch((error: unknown) => {
            if (error instanceof Refused && !error.retryable) this.refusedForGood.push(...numbers)
            throw error
          })
          this.requests.push(numbers)
          this.metadata.push(Object.fromEntries(options.origin.metadata))
          return result
        },
      },
      sending: { timeout, queue: { ...DISK, ...queue }, retry: { ...RETRY, ...retry } },
      share,
      clock: this.clock,
      log: {
        debug: silent,
        info: silent,
        warn: (fields, message) => this.warnings.push({ fields, message }),
        error: silent,
      },
      meter: this.metrics,
      status: {
        ok: () => this.states.push('ok'),
        recoverable: (reason) => this.states.push(reason),
        permanent: (reason) => this.states.push(reason),
      },
      budget: this.budget,
      storage: () => storage,
      onDropped: (items, reason) => this.dropped.push({ items, reason }),
    })
  }

  async started(options: AroundOptions = {}): Promise<Sender> {
    const sender = this.sender(options)
    await sender.start()
    return sender
  }

  /** Hands over a batch of `items` records. Its number is that of its first. */
  take(sender: Sender, items = 1, { acknowledge = 'durable', origin }: { acknowledge?: Level; origin?: Origin } = {}) {
    const delivery = this.deliver(items, acknowledge, origin)
    sender.take(delivery)
    return delivery
  }

  deliver(items = 1, acknowledge: Level = 'durable', origin: Origin = UNKNOWN_ORIGIN): DeliveryNode {
    const first = this.outcomes.length
    for (let index = 0; index < items; index++) this.outcomes.push(undefined)
    const plain = fromObject(
      'logs',
      logsRequest(...Array.from({ length: items }, (_, index) => `record ${first + index}.`)),
    )
    const [bytes] = plain.segments()
    const slab = overdrawnSlab(plain.bytes, this.budget)
    slab.buffer.set(bytes as Buffer)
    const levels = new Set<Level>()
    this.told.set(first, levels)
    const delivery = rootDelivery(batchOfSlab('logs', items, slab, plain.bytes), origin, {
      acknowledge,
      acknowledged: () => this.acknowledged.add(first),
      ended: (outcome) => this.outcomes.fill(outcome, first, first + items),
      lost: (part, { reason }) => this.lost.push({ items: part.items, reason }),
    })
    for (const level of ['accepted', 'durable', 'delivered'] as const)
      delivery.reached(level).then(
        () => levels.add(level),
        () => {},
      )
    return delivery
  }

  get sent(): number[] {
    return this.requests.flat()
  }

  kinds(): (string | undefined)[] {
    return this.outcomes.map((outcome) => (outcome instanceof Refused ? outcome.message : outcome?.kind))
  }

  /** Records on disk, by number. */
  onDisk(name = 'exporter/test/out/logs'): number[] {
    return this.storage.contents(name).flatMap((bytes) => numbersIn([bytes]))
  }
}

function numbersIn(segments: readonly Buffer[]): number[] {
  const text = Buffer.concat(segments).toString('latin1')
  return [...text.matchAll(/record (\d+)\./g)].map(([, number]) => Number(number))
}

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index)
