import { freePorts, Telegen } from '../e2e/telegen.ts'
import { account, anonymousMemory, Backend, Load } from './storm.ts'

export interface Outage {
  /** `pass`: receiver to exporter; `batch`: through the processor; `fan-out`: a second exporter whose backend works. */
  readonly shape: 'pass' | 'batch' | 'fan-out'
  /** Milliseconds. */
  readonly before: number
  readonly down: number
  readonly after: number
  /** Spans a second. */
  readonly rate: number
}

export interface Report {
  readonly shape: string
  readonly answers: Readonly<Record<string, number>>
  readonly unretryable: number
  readonly main: ReturnType<typeof account>
  readonly other: ReturnType<typeof account> | undefined
  /** Anonymous memory each second of the outage, MiB. */
  readonly memory: readonly number[]
  readonly exit: number | null
}

const PER_REQUEST = 512
const SETTLE = 90_000

const config = ({ shape }: Outage, receive: number, main: number, other: number) => `
receivers:
  otlp: { protocols: { http: { endpoint: "127.0.0.1:${receive}" } } }
processors:
  batch: { traces: { send_batch_size: 2048 } }
exporters:
  otlp_http/main: { endpoint: "http://127.0.0.1:${main}", compression: none, retry_on_failure: { initial_interval: 500ms, max_interval: 2s } }
  otlp_http/other: { endpoint: "http://127.0.0.1:${other}", compression: none }
service:
  limits: { traces: 32MiB }
  pipelines:
    traces:
      receivers: [otlp]
      processors: [${shape === 'batch' ? 'batch' : ''}]
      exporters: [otlp_http/main${shape === 'fan-out' ? ', otlp_http/other' : ''}]
`

/** A backend that is away for a while under load, as a sender and the machine see it. */
export async function outage(options: Outage): Promise<Report> {
  const { before, down, after, rate, shape } = options
  const [receive, main, other] = (await freePorts(3)) as [number, number, number]
  const spans = Math.ceil(((before + down + after) / 1000) * rate * 1.2) + 100 * PER_REQUEST
  const backends = [new Backend(main, spans), new Backend(other, spans)] as const
  await Promise.all(backends.map((backend) => backend.up()))
  const telegen = await Telegen.start(config(options, receive, main, other))
  const load = new Load(receive, PER_REQUEST)
  const memory: number[] = []
  try {
    await load.run(before, rate)
    await backends[0].down()
    await load.run(down, rate, () => memory.push(Math.round(anonymousMemory(telegen.pid) / 2 ** 20)))
    await backends[0].up()
    await load.run(after, rate)
    for (const end = performance.now() + SETTLE; performance.now() < end && account(load, backends[0]).lost > 0;)
      await new Promise((resolve) => setTimeout(resolve, 250))
  } finally {
    load.close()
  }
  const exit = await telegen.stop()
  await Promise.all(backends.map((backend) => backend.down()))
  return {
    shape,
    answers: Object.fromEntries(load.answers),
    unretryable: load.unretryable,
    main: account(load, backends[0]),
    other: shape === 'fan-out' ? account(load, backends[1]) : undefined,
    memory,
    exit,
  }
}

/** What is wrong with a report; nothing, when all promises were kept. */
export function* faults({ answers, unretryable, main, other, memory, exit }: Report): Iterable<string> {
  if (main.lost > 0) yield `${main.lost} acknowledged spans were lost`
  if (main.doubled > 0) yield `${main.doubled} spans came twice`
  if (other && other.lost + other.doubled > 0) yield `the other branch lost ${other.lost} and doubled ${other.doubled}`
  if (unretryable > 0) yield `${unretryable} refusals cannot be retried`
  if (answers['error']) yield `${answers['error']} requests were not answered`
  if (!((answers['429'] ?? 0) > 0)) yield 'nothing was ever refused: the outage did not fill the budget'
  if (exit !== 0) yield `exit code ${exit}`
  const half = memory.slice(Math.floor(memory.length / 3))
  const growth = Math.max(...half) - Math.min(...half)
  if (half.length > 5 && growth > 32) yield `anonymous memory moved by ${growth} MiB during the outage`
}
