import { filter } from 'rxjs'
import { ITEM_UNITS, ITEMS, Refused } from '../../plugin.ts'
import type { Delivery, Processor, ProcessorContext } from '../../plugin.ts'
import { availableMemory } from './limits.ts'
import { Limiter } from './limiter.ts'
import type { Memory } from './limiter.ts'
import type { LimiterConfig } from './options.ts'

const processMemory: Memory = {
  available: availableMemory,
  used() {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  },
  collect: globalThis.gc && (() => globalThis.gc?.()),
}

/** One configuration stands in several pipelines, and must not measure and collect once for each of them. */
const limiters = new WeakMap<LimiterConfig, Limiter>()

export function refusing(context: ProcessorContext<LimiterConfig>, memory: Memory = processMemory): Processor {
  const { config, meter, signal, id } = context
  const limiter = limiters.get(config) ?? new Limiter(config, memory)
  limiters.set(config, limiter)
  const labels = { processor: id }
  const count = (what: string, description: string) => {
    const name = `otelcol_processor_memory_limiter_${what}_${ITEMS[signal]}`
    return meter.counter(name, { unit: ITEM_UNITS[signal], description }).bound(labels)
  }
  const accepted = count('accepted', 'Items that were let pass.')
  const refused = count('refused', 'Items that were refused because of memory usage.')

  const passes = (delivery: Delivery): boolean => {
    const { items } = delivery.batch
    if (!limiter.refusing) {
      accepted.add(items)
      return true
    }
    refused.add(items)
    delivery.end(new Refused('data refused due to high memory usage', { code: 'unavailable', retry: {} }))
    return false
  }

  return {
    start: async () => limiter.start(context),
    stop: async () => limiter.stop(context),
    operator: filter(passes),
    opensBatches: false,
  }
}
