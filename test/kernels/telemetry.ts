/** A span or log record as it was emitted, with what is asked about it. */
export interface Seen {
  /** `http`: of the scope `telegen/ebpf/http`. */
  readonly tracer: string
  /** A span's kind, or a record's `eventName`. */
  readonly kind: string
  readonly pid: number | undefined
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  readonly parentSpanId: string | undefined
  readonly attributes: Readonly<Record<string, unknown>>
}

interface Wrapped {
  readonly stringValue?: string
  readonly intValue?: string | number
  readonly arrayValue?: { readonly values?: readonly Wrapped[] }
  readonly [other: string]: unknown
}
type Attributes = readonly { readonly key: string; readonly value: Wrapped }[]
interface Item {
  readonly attributes?: Attributes
  readonly kind?: number
  readonly eventName?: string
  readonly traceId?: string
  readonly spanId?: string
  readonly parentSpanId?: string
}
interface Scoped {
  readonly scope: { readonly name: string }
  readonly spans?: readonly Item[]
  readonly logRecords?: readonly Item[]
}
interface Request {
  readonly resourceSpans?: readonly Resourced[]
  readonly resourceLogs?: readonly Resourced[]
}
interface Resourced {
  readonly resource: { readonly attributes?: Attributes }
  readonly scopeSpans?: readonly Scoped[]
  readonly scopeLogs?: readonly Scoped[]
}

const SCOPE = 'telegen/ebpf/'
const KINDS: Readonly<Record<number, string>> = { 2: 'server', 3: 'client' }

/** Reads lines of OTLP/JSON. */
export function seen(lines: readonly string[]): Seen[] {
  return lines.flatMap((line) => {
    const { resourceSpans = [], resourceLogs = [] } = JSON.parse(line) as Request
    return [...resourceSpans, ...resourceLogs].flatMap(({ resource, scopeSpans = [], scopeLogs = [] }) => {
      const pid = flat(resource.attributes)['process.pid'] as number | undefined
      return [...scopeSpans, ...scopeLogs].flatMap(({ scope, spans = [], logRecords = [] }) =>
        [...spans, ...logRecords].map((item): Seen => ({
          tracer: scope.name.slice(SCOPE.length),
          kind: item.eventName ?? KINDS[item.kind ?? 0] ?? 'other',
          pid,
          traceId: item.traceId,
          spanId: item.spanId,
          parentSpanId: item.parentSpanId,
          attributes: flat(item.attributes),
        })),
      )
    })
  })
}

const flat = (attributes: Attributes = []): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, unwrapped(value)]))

function unwrapped(value: Wrapped): unknown {
  if (value.intValue !== undefined) return Number(value.intValue)
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(unwrapped)
  return value.stringValue ?? Object.values(value)[0]
}
