import type { Attributes, ExemplarFields, SpanFields } from '../../../../src/plugin.ts'
import type { Process, TracerContext } from '../../../../src/receivers/ebpf/tracer.ts'
import { HttpTracer } from '../../../../src/receivers/ebpf/tracers/http/http-tracer.ts'
import type { HttpTracerOptions } from '../../../../src/receivers/ebpf/tracers/http/options.ts'
import type { Transcript } from './transcript.ts'

export const DEFAULTS: HttpTracerOptions = {
  server: true,
  client: true,
  head_bytes: 1024,
  connections: 1024,
  path: 'template',
  routes: [],
  route_variants: 64,
  query: false,
  query_values: [],
  user_agent: false,
  headers: { request: [], response: [], redact: ['authorization', 'cookie', 'set-cookie'] },
  sampling: { ratio: 1, parent: true },
}

export interface Recorded {
  readonly name: string
  readonly value: number
  readonly attributes: Attributes
  readonly exemplar: ExemplarFields | undefined
}

/** A tracer and all that it says. */
export class Witness {
  readonly spans: SpanFields[] = []
  readonly recorded: Recorded[] = []
  readonly drops = new Map<string, number>()
  readonly notes = new Map<string, number>()
  readonly tracer: HttpTracer
  /** Processes that the selection leaves out. */
  readonly leftOut = new Set<number>()

  constructor(options: Partial<HttpTracerOptions> = {}, signals: readonly string[] = ['traces', 'metrics']) {
    const processes = new Map<number, Process>()
    const processOf = (pid: number, name = ''): Process => {
      const known = processes.get(pid)
      if (known) return known
      const leftOut = this.leftOut
      const made: Process = {
        pid,
        name,
        resource: { 'process.pid': pid },
        get traced() {
          return !leftOut.has(pid)
        },
      }
      processes.set(pid, made)
      return made
    }
    const context: TracerContext = {
      processes: { of: processOf, host: processOf(0) },
      wall: (time) => BigInt(Math.round(time)),
      wants: (signal) => signals.includes(signal),
      span: (_process, { encoded = [], ...span }) => {
        const attributes = Object.assign({}, ...encoded.map((one) => one.attributes), span.attributes) as Attributes
        this.spans.push({ ...span, ...inDigits(span), attributes })
      },
      record: () => assert('no log records'),
      histogram: (name) => ({
        record: (_process, value, attributes, exemplar) =>
          void this.recorded.push({
            name,
            value,
            attributes,
            exemplar: exemplar && { ...exemplar, ...inDigits(exemplar) },
          }),
      }),
      counter: () => assert('no counter'),
      gauge: () => assert('no gauge'),
      drop: (reason, amount = 1) => void this.drops.set(reason, (this.drops.get(reason) ?? 0) + amount),
      note: (what, amount = 1) => void this.notes.set(what, (this.notes.get(what) ?? 0) + amount),
    }
    this.tracer = new HttpTracer(context, { ...DEFAULTS, ...options })
  }

  hear(...transcripts: readonly Transcript[]): this {
    for (const { events } of transcripts) this.events(events)
    return this
  }

  events(events: readonly Buffer[]): this {
    for (const event of events) {
      // As in a ring: something else lies before and behind, and is overwritten afterwards.
      const buffer = Buffer.alloc(event.length + 64, 0x41)
      event.copy(buffer, 32)
      this.tracer.event(buffer, 32, event.length)
      buffer.fill(0x5a)
    }
    return this
  }

  tick(now = 0): this {
    this.tracer.tick(now)
    return this
  }
}

type Ids = Partial<Record<'traceId' | 'spanId' | 'parentSpanId', SpanFields['parentSpanId']>>

/** Identifiers as digits, in which tests can be read. */
function inDigits({ traceId, spanId, parentSpanId }: Ids) {
  return { traceId: digits(traceId)!, spanId: digits(spanId)!, parentSpanId: digits(parentSpanId) }
}

function digits(id: Ids['traceId']): string | undefined {
  if (!Array.isArray(id)) return id as string | undefined
  return (id as readonly number[]).map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

function assert(message: string): never {
  throw new Error(message)
}

/** `GET 200`, for tables. */
export const line = ({ name, attributes }: SpanFields): string =>
  `${name} ${(attributes?.['http.response.status_code'] ?? attributes?.['error.type']) as string | number}`
