import {
  batchOfSlab,
  isBeyondBudget,
  metrics,
  Observable,
  overdrawnSlab,
  Overdrawn,
  Refused,
  records,
  replace,
  split,
} from '../../plugin.ts'
import type {
  Attributes,
  AttributesView,
  Batch,
  ConnectorContext,
  Delivery,
  MetricsBuilder,
  OperatorFunction,
} from '../../plugin.ts'
import { Counter, definitionsOf } from './counter.ts'
import { metricsIn } from './options.ts'
import type { CountConfig } from './options.ts'
import { READ } from './reading.ts'

/** The Collector's name for it, by which what it makes is known. */
const SCOPE = { name: 'github.com/open-telemetry/opentelemetry-collector-contrib/connector/countconnector' }
/** How long a sender should wait whose counts would have overdrawn the budget, in milliseconds. */
const COME_BACK = 1_000

/** From each batch a batch of metrics that counts what is in it. The input ends when its counts do. */
export function counting(context: ConnectorContext<CountConfig>): OperatorFunction<Delivery, Delivery> {
  const count = batchCounter(context)
  const turned = (delivery: Delivery): Delivery | undefined => {
    let counts: Batch<'metrics'> | undefined
    try {
      counts = count(delivery.batch)
    } catch (error) {
      if (!(error instanceof Overdrawn)) throw error
      const retry = isBeyondBudget(delivery.batch, error.bytes) ? 'never' : { after: COME_BACK }
      delivery.end(new Refused(error.message, { code: 'resource_exhausted', retry, cause: error }))
      return undefined
    }
    if (counts !== undefined) return replace(delivery, counts)
    split(delivery, [])
    return undefined
  }
  return (source) =>
    new Observable((subscriber) =>
      source.subscribe({
        next: (delivery) => {
          const out = turned(delivery)
          if (out !== undefined) subscriber.next(out)
        },
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    )
}

function batchCounter({ config, from, clock, meter, id }: ConnectorContext<CountConfig>) {
  const { levels, sections, read } = READ[from]
  const definitions = sections.map((name) => definitionsOf(metricsIn(config, name)))
  const overflow = meter.counter('telegen.connector.count.overflow', {
    unit: '{record}',
    description: 'Records whose combination of attributes was one too many, and which were counted together.',
  })
  const labels = { connector: id }

  return (batch: Batch): Batch<'metrics'> | undefined => {
    let builder: MetricsBuilder | undefined
    let resource: Attributes = {}
    let around: AttributesView[] = []
    let counters: Counter[] = []
    const finishResource = () => {
      const full = counters.filter(({ isEmpty }) => !isEmpty)
      if (full.length === 0) return
      if (builder !== undefined && !hasRoom(builder.bytes, batch)) throw new Overdrawn(batch.budget!, builder.bytes)
      builder = builder === undefined ? metrics(resource, SCOPE) : builder.resource(resource, {}, SCOPE)
      for (const counter of full) {
        counter.write(builder, clock.nowNano())
        if (counter.overflowed > 0) overflow.add(counter.overflowed, labels)
      }
    }
    for (const record of records(batch, 'resource', 'scope', ...levels)) {
      // Views of what encloses a record stay valid while it is looked at.
      if (record.level === 'scope') around = [record.attributes, around.at(-1) as AttributesView]
      else if (record.level !== 'resource') read(record, counters, around)
      else {
        finishResource()
        resource = allOf(record.attributes)
        around = [record.attributes]
        counters = definitions.map((each) => new Counter(each))
      }
    }
    finishResource()
    return builder === undefined ? undefined : charged(builder.finish(), batch)
  }
}

/** Those without a value too. */
function allOf(attributes: AttributesView): Attributes {
  const values = attributes.toObject()
  const empty = [...attributes.keys()].filter((key) => !Object.hasOwn(values, key))
  return empty.length === 0 ? values : { ...values, ...Object.fromEntries(empty.map((key) => [key, null])) }
}

/** Whether counts of so many bytes can still be charged: a resource without anything takes six bytes, and its counts two hundred. */
const hasRoom = (bytes: number, { budget }: Batch): boolean =>
  budget === undefined || budget.used + bytes <= budget.limit + budget.overdraftLimit

/** A copy that counts as work on `input`. */
function charged(counts: Batch<'metrics'>, input: Batch): Batch<'metrics'> {
  try {
    const slab = overdrawnSlab(counts.bytes, input.budget)
    let at = 0
    for (const segment of counts.segments()) at += segment.copy(slab.buffer, at)
    return batchOfSlab('metrics', counts.items, slab, at)
  } finally {
    counts.release()
  }
}
