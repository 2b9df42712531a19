import type { LogFields, ProcessNews, ScopeFields, Signal, SpanFields } from '../../plugin.ts'
import type { Instruments } from './aggregate/aggregates.ts'
import type { KernelClock } from './clock.ts'
import type { Output } from './output/output.ts'
import type { Tally } from './tally.ts'
import type { Process, Processes, TracerContext } from './tracer.ts'

export interface ContextParts {
  readonly scope: ScopeFields
  readonly tally: Tally
  readonly processes: Processes
  readonly clock: Pick<KernelClock, 'wall' | 'monotonic'>
  readonly signals: readonly Signal[]
  readonly output: Output
  readonly instruments: Instruments
  readonly tell?: (news: ProcessNews) => void
  readonly procPath?: string | undefined
}

/** What one tracer is given. Nothing is emitted of a process that the selection leaves out, nor of a signal that leaves in no pipeline. */
export function tracerContext(parts: ContextParts): TracerContext {
  const { scope, tally, processes, clock, output, instruments } = parts
  const signals = new Set(parts.signals)
  const wantsSpans = signals.has('traces')
  const wantsRecords = signals.has('logs')
  return {
    processes,
    procPath: parts.procPath,
    ...(parts.tell && { tell: parts.tell }),
    wall: (time) => clock.wall(time),
    wants: (signal) => signals.has(signal),
    span(process: Process, span: SpanFields) {
      if (wantsSpans && process.traced && !output.span(scope, process.resource, span)) tally.drop('output_full')
    },
    record(process: Process, record: LogFields) {
      if (!wantsRecords || !process.traced) return
      const observedTime = record.observedTime ?? clock.wall(clock.monotonic())
      if (!output.record(scope, process.resource, { ...record, observedTime })) tally.drop('output_full')
    },
    histogram: (name, about) => instruments.histogram(name, about),
    counter: (name, about) => instruments.counter(name, about),
    gauge: (name, about, read) => instruments.gauge(name, about, read),
    drop: (reason, amount) => tally.drop(reason, amount),
    note: (what, amount) => tally.note(what, amount),
  }
}
