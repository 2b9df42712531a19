import type { DoctorReport } from '../../src/cli/doctor/report.ts'
import type { Findings, Traffic } from './findings.ts'

/** A little traffic, and lines that tell of it as tracers do. */
export const traffic: Traffic = {
  pid: 5,
  calls: [{ method: 'GET', path: '/a', status: 200, port: 8081, client: 5, server: 6 }],
  connections: [{ port: 8081, count: 1 }],
  refused: { pid: 5, port: 8083 },
  queries: [{ name: 'known.test', code: 'NOERROR', addresses: ['192.0.2.7'] }],
  queryPort: 8053,
  processes: [{ pid: 7, arguments: ['busybox', 'true', '--password=hunter2'], code: 7, signal: null }],
}

const doctor: Pick<DoctorReport, 'program_types'> = {
  program_types: [
    { type: 'tp_btf', ok: true },
    { type: 'fentry', ok: false, step: 'load', code: 'EPERM', reason: 'Operation not permitted' },
  ],
}

export const findings: Findings = {
  kernel: '6.1.0-1-cloud-amd64',
  doctor: doctor as DoctorReport,
  programs: [
    { tracer: 'http', rung: 'tp_btf', program: 'socket_enter' },
    { tracer: 'http', rung: 'fentry', program: 'socket_send', reason: 'the program socket_send was refused: EPERM' },
    { tracer: 'http', rung: 'fentry', program: 'socket_sent', reason: 'the program socket_sent was refused: EPERM' },
  ],
  tracers: [],
  traffic,
  lines: {},
  errors: [],
  log: [],
}

type Value = string | number | readonly string[] | undefined
type Values = Readonly<Record<string, Value>>

/** What a tracer emits of this traffic, in lines of OTLP/JSON. */
export function emitted(tracer: string, done: Traffic): string[] {
  switch (tracer) {
    case 'http':
      return httpSpans(done)
    case 'tcp':
      return connections(done)
    case 'dns':
      return done.queries.map(({ name, code, addresses }) =>
        span('dns', done.pid, 3, {
          'dns.question.name': name,
          'dns.question.type': 'A',
          'dns.response_code': code,
          'dns.answers': addresses,
          'server.port': done.queryPort,
        }),
      )
    default:
      return done.processes.flatMap(({ pid, arguments: given, code, signal }) => [
        record('exec', pid, 'process.exec', {
          'process.parent_pid': done.pid,
          'process.command_args': given.map((argument) => argument.replace('hunter2', '[REDACTED]')),
        }),
        record('exec', pid, 'process.exit', {
          'process.exit.code': code ?? undefined,
          'process.exit.signal': signal ?? undefined,
        }),
      ])
  }
}

const httpSpans = ({ calls }: Traffic): string[] =>
  calls.flatMap(({ method, path, status, port, client, server = 0 }) => {
    const both = { 'http.request.method': method, 'http.response.status_code': status, 'server.port': port }
    const asked = { ...both, 'url.full': `http://127.0.0.1:${port}${path}` }
    return [
      span('http', client, 3, asked, { spanId: 'c1' }),
      span('http', server, 2, { ...both, 'url.path': path }, { spanId: 's1', parentSpanId: 'c1' }),
    ]
  })

function connections({ pid, connections: all, refused }: Traffic): string[] {
  const closed = all.flatMap(({ port }) => [
    record('tcp', pid, 'tcp.connection.closed', {
      'tcp.role': 'client',
      'network.local.port': 4000,
      'network.peer.port': port,
      'tcp.bytes_sent': 87,
      'tcp.bytes_received': 812,
    }),
    record('tcp', 6, 'tcp.connection.closed', {
      'tcp.role': 'server',
      'network.local.port': port,
      'network.peer.port': 4000,
      'tcp.bytes_sent': 812,
      'tcp.bytes_received': 87,
    }),
  ])
  const failure = { 'network.peer.port': refused.port, 'error.type': 'ECONNREFUSED' }
  return [...closed, record('tcp', refused.pid, 'tcp.connection.failed', failure)]
}

const span = (tracer: string, pid: number, kind: number, values: Values, ids: object = {}): string =>
  JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: wrapped({ 'process.pid': pid }) },
        scopeSpans: [{ ...scope(tracer), spans: [{ kind, traceId: 't1', attributes: wrapped(values), ...ids }] }],
      },
    ],
  })

const record = (tracer: string, pid: number, eventName: string, values: Values): string =>
  JSON.stringify({
    resourceLogs: [
      {
        resource: { attributes: wrapped({ 'process.pid': pid }) },
        scopeLogs: [{ ...scope(tracer), logRecords: [{ eventName, attributes: wrapped(values) }] }],
      },
    ],
  })

const scope = (tracer: string) => ({ scope: { name: `telegen/ebpf/${tracer}` } })

const wrapped = (values: Values) =>
  Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: wrap(value) }]))

function wrap(value: string | number | readonly string[]): object {
  if (typeof value === 'number') return { intValue: String(value) }
  return typeof value === 'string' ? { stringValue: value } : { arrayValue: { values: value.map(wrap) } }
}
