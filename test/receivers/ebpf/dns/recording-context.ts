import type { Attributes, ExemplarFields, LogFields, Signal, SpanFields } from '../../../../src/plugin.ts'
import type { Process, TracerContext } from '../../../../src/receivers/ebpf/tracer.ts'

export interface Recorded {
  readonly context: TracerContext
  readonly spans: { process: Process; span: SpanFields }[]
  readonly records: { process: Process; record: LogFields }[]
  /** Values of histograms and counters, in order. */
  readonly values: {
    name: string
    process: Process
    value: number
    attributes: Attributes
    exemplar?: ExemplarFields | undefined
  }[]
  readonly dropped: Map<string, number>
  readonly noted: Map<string, number>
  /** Reads a gauge. */
  readonly gauge: (name: string) => { process: Process; value: number; attributes: Attributes }[]
  /** Processes that are left out, by pid. */
  readonly leftOut: Set<number>
}

/** A tracer's context that keeps everything. CLOCK_MONOTONIC 0 is 1970. */
export function recordingContext(wanted: readonly Signal[] = ['traces', 'metrics', 'logs']): Recorded {
  const gauges = new Map<string, Parameters<TracerContext['gauge']>[2]>()
  const leftOut = new Set<number>()
  const processes = new Map<number, Process>()
  const recorded: Omit<Recorded, 'context'> = {
    spans: [],
    records: [],
    values: [],
    dropped: new Map(),
    noted: new Map(),
    leftOut,
    gauge(name) {
      const points: { process: Process; value: number; attributes: Attributes }[] = []
      gauges.get(name)?.((process, value, attributes) => points.push({ process, value, attributes: clean(attributes) }))
      return points
    },
  }
  const of = (pid: number, name = ''): Process => {
    const known = processes.get(pid)
    if (known) return known
    const process = { pid, name, traced: !leftOut.has(pid), resource: { 'process.pid': pid } }
    processes.set(pid, process)
    return process
  }
  const take = (name: string) => (process: Process, value: number, attributes: Attributes, exemplar?: ExemplarFields) =>
    void recorded.values.push({ name, process, value, attributes: clean(attributes), exemplar })
  const context: TracerContext = {
    processes: { of, host: { pid: 0, name: '', traced: true, resource: {} } },
    wall: (time) => BigInt(Math.round(time)),
    wants: (signal) => wanted.includes(signal),
    span: (process, span) =>
      void recorded.spans.push({ process, span: { ...span, attributes: clean(span.attributes ?? {}) } }),
    record: (process, record) => void recorded.records.push({ process, record }),
    histogram: (name) => ({ record: take(name) }),
    counter: (name) => ({ add: take(name) }),
    gauge: (name, _options, read) => void gauges.set(name, read),
    drop: (reason, amount = 1) => void recorded.dropped.set(reason, (recorded.dropped.get(reason) ?? 0) + amount),
    note: (what, amount = 1) => void recorded.noted.set(what, (recorded.noted.get(what) ?? 0) + amount),
  }
  return { ...recorded, context }
}

const clean = (attributes: Attributes): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))
