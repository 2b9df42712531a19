import type { Labels, Meter } from '../../plugin.ts'
import type { LoadedTracer } from '../../native.ts'
import type { Counts } from './tally.ts'
import type { TracerCounter } from './tracer.ts'

/** `COUNTER_…` of `bpf/include/event.h`, where something was lost. */
const LOST_IN_KERNEL = ['', 'ring_full', 'map_full', 'unreadable', 'truncated']
const COUNTER_OWN = 8

/** What the receiver tells of itself. */
export class OwnMetrics {
  readonly #receiver: string
  readonly #events
  readonly #dropped
  readonly #noted
  readonly #runTime
  readonly #runs
  readonly #forget: () => void
  #pending = 0
  /** What the programs of each tracer had counted when they were asked last. */
  readonly #seen = new Map<
    LoadedTracer,
    { counters: readonly number[]; programs: Map<string, readonly [number, number]> }
  >()

  constructor(meter: Meter, receiver: string) {
    this.#receiver = receiver
    const counter = (name: string, unit: string, description: string) => meter.counter(name, { unit, description })
    this.#events = counter('telegen.ebpf.events', '{event}', 'Events read from the kernel, by tracer.')
    this.#dropped = counter('telegen.ebpf.dropped', '{event}', 'What was seen and lost, by tracer and reason.')
    this.#noted = counter(
      'telegen.ebpf.noted',
      '{event}',
      'What is worth knowing and no loss, by tracer and what it is.',
    )
    this.#runs = counter('telegen.ebpf.program.runs', '{run}', 'Runs of the programs in the kernel.')
    this.#runTime = meter.counter('telegen.ebpf.program.run_time', {
      unit: 's',
      description: 'Time that the programs have run in the kernel.',
      value: 'double',
    })
    this.#forget = meter.gauge(
      'telegen.ebpf.ring.pending',
      { unit: 'By', description: 'Bytes in the ring that wait to be read.' },
      () => this.#pending,
      { receiver },
    )
  }

  /** What the worker counted since the last time. */
  counted(counts: Counts | undefined, pending: number): void {
    this.#pending = pending
    for (const [tracer, events] of counts?.events ?? []) this.#events.add(events, this.#labels(tracer))
    for (const [tracer, reason, amount] of counts?.dropped ?? [])
      this.#dropped.add(amount, this.#labels(tracer, reason))
    for (const [tracer, reason, amount] of counts?.noted ?? []) this.#noted.add(amount, this.#labels(tracer, reason))
  }

  /** Asks the kernel what a tracer's programs counted. Rejects where it does not say. */
  async look(tracer: string, loaded: LoadedTracer, own: readonly TracerCounter[], statistics: boolean): Promise<void> {
    const seen = this.#seenOf(loaded)
    const counters = await loaded.counters()
    const since = (index: number) => (counters[index] ?? 0) - (seen.counters[index] ?? 0)
    for (const [index, reason] of LOST_IN_KERNEL.entries())
      if (reason !== '') this.#add(this.#dropped, since(index), tracer, reason)
    for (const [index, { name, lost }] of own.entries())
      this.#add(lost ? this.#dropped : this.#noted, since(COUNTER_OWN + index), tracer, name)
    seen.counters = counters
    if (!statistics) return
    for (const { name, runs, runTime } of await loaded.programs()) {
      const [runsBefore, timeBefore] = seen.programs.get(name) ?? [0, 0]
      const labels: Labels = { ...this.#labels(tracer), program: name }
      if (runs > runsBefore) this.#runs.add(runs - runsBefore, labels)
      if (runTime > timeBefore) this.#runTime.add((runTime - timeBefore) / 1e9, labels)
      seen.programs.set(name, [runs, runTime])
    }
  }

  /** Of a tracer that was unloaded. */
  forget(loaded: LoadedTracer): void {
    this.#seen.delete(loaded)
  }

  close(): void {
    this.#forget()
    this.#seen.clear()
  }

  #add(counter: { add(value: number, labels: Labels): void }, amount: number, tracer: string, reason: string): void {
    if (amount > 0) counter.add(amount, this.#labels(tracer, reason))
  }

  #labels(tracer: string, reason?: string): Labels {
    return { receiver: this.#receiver, tracer, ...(reason !== undefined && { reason }) }
  }

  #seenOf(loaded: LoadedTracer) {
    let seen = this.#seen.get(loaded)
    if (!seen) this.#seen.set(loaded, (seen = { counters: [], programs: new Map() }))
    return seen
  }
}
