import { judgeConnections } from './judge-connections.ts'
import type { Findings, Traffic } from './findings.ts'
import { seen } from './telemetry.ts'
import type { Seen } from './telemetry.ts'

/** What became of a tracer that was held to a rung. */
export interface Verdict {
  readonly tracer: string
  readonly rung: string
  readonly state: 'right' | 'wrong' | 'unavailable'
  /** What is wrong, or why it is not available: a sentence each. */
  readonly reasons: readonly string[]
}

type Judge = (seen: readonly Seen[], traffic: Traffic) => string[]

/** Holds what each tracer emitted on each rung to what was done. */
export function judge({ tracers, traffic, lines }: Pick<Findings, 'tracers' | 'traffic' | 'lines'>): Verdict[] {
  return tracers.map(({ tracer, rung, reason }): Verdict => {
    if (reason !== undefined) return { tracer, rung, state: 'unavailable', reasons: [reason] }
    const emitted = seen(lines[rung] ?? []).filter((each) => each.tracer === tracer)
    const judgeOne = JUDGES[tracer]
    const reasons = judgeOne ? judgeOne(emitted, traffic) : [`nobody knows how to judge the tracer ${tracer}`]
    return { tracer, rung, state: reasons.length === 0 ? 'right' : 'wrong', reasons }
  })
}

/** A fault in words, where what was expected is not what was. */
const differs = (what: string, actual: unknown, expected: unknown): string[] =>
  JSON.stringify(actual) === JSON.stringify(expected)
    ? []
    : [`${what} is ${JSON.stringify(actual)} and not ${JSON.stringify(expected)}`]

/** Each request has one span at either end, the server's below the client's. */
function judgeCalls(spans: readonly Seen[], { calls }: Traffic): string[] {
  return calls.flatMap(({ method, path, status, port, client, server }) => {
    const named = `${method} ${path}`
    const own = spans.filter(({ attributes: { 'url.path': at, 'url.full': full } }) => {
      return at === path || (typeof full === 'string' && URL.canParse(full) && new URL(full).pathname === path)
    })
    const [asked, served] = ['client', 'server'].map((kind) => own.filter((span) => span.kind === kind))
    const counts = differs(`${named}: spans of client and server`, [asked?.length, served?.length], [1, 1])
    const [call, answer] = [asked?.[0], served?.[0]]
    if (counts.length > 0 || !call || !answer) return counts
    return [
      ...[call, answer].flatMap(({ kind, attributes }) => [
        ...differs(`${named}: the ${kind}'s method`, attributes['http.request.method'], method),
        ...differs(`${named}: the ${kind}'s status`, attributes['http.response.status_code'], status),
        ...differs(`${named}: the ${kind}'s server.port`, attributes['server.port'], port),
      ]),
      ...differs(`${named}: the client's pid`, call.pid, client),
      ...(server === undefined ? [] : differs(`${named}: the server's pid`, answer.pid, server)),
      ...differs(
        `${named}: the server's trace and parent`,
        [answer.traceId, answer.parentSpanId],
        [call.traceId, call.spanId],
      ),
    ]
  })
}

/** Each query has one span of its client. */
function judgeQueries(spans: readonly Seen[], { queries, queryPort, pid }: Traffic): string[] {
  return queries.flatMap(({ name, code, addresses }) => {
    const own = spans.filter(({ attributes }) => attributes['dns.question.name'] === name)
    const counts = differs(
      `${name}: kinds of spans`,
      own.map(({ kind }) => kind),
      ['client'],
    )
    const [span] = own
    if (counts.length > 0 || !span) return counts
    const { attributes } = span
    return [
      ...differs(`${name}: the type`, attributes['dns.question.type'], 'A'),
      ...differs(`${name}: the response's code`, attributes['dns.response_code'], code),
      ...differs(`${name}: the addresses`, attributes['dns.answers'] ?? [], addresses),
      ...differs(`${name}: server.port`, attributes['server.port'], queryPort),
      ...differs(`${name}: the pid`, span.pid, pid),
    ]
  })
}

const SECRET = /=hunter2$/

/** Each program has a record of its start and one of its end. */
function judgePrograms(records: readonly Seen[], { processes, pid: parent }: Traffic): string[] {
  return processes.flatMap(({ pid, arguments: given, code, signal }) => {
    const named = given.slice(1).join(' ')
    const own = records.filter((record) => record.pid === pid)
    const kinds = own.map(({ kind }) => kind)
    const counts = differs(`${named}: records`, kinds, ['process.exec', 'process.exit'])
    const [start, end] = own
    if (counts.length > 0 || !start || !end) return counts
    const shown = given.map((argument) => argument.replace(SECRET, '=[REDACTED]'))
    return [
      ...differs(`${named}: the arguments`, start.attributes['process.command_args'], shown),
      ...differs(`${named}: the parent`, start.attributes['process.parent_pid'], parent),
      ...differs(`${named}: the exit code`, end.attributes['process.exit.code'] ?? null, code),
      ...differs(`${named}: the signal`, end.attributes['process.exit.signal'] ?? null, signal),
    ]
  })
}

const JUDGES: Readonly<Record<string, Judge>> = {
  http: judgeCalls,
  tcp: judgeConnections,
  dns: judgeQueries,
  exec: judgePrograms,
}
