import { Engine } from '../../../src/receivers/ebpf/engine.ts'
import { HEADER_BYTES, RECORD_BYTES } from '../../../src/receivers/ebpf/event.ts'
import { Tally } from '../../../src/receivers/ebpf/tally.ts'
import type { Tracer } from '../../../src/receivers/ebpf/tracer.ts'
import { DnsTracer } from '../../../src/receivers/ebpf/tracers/dns/dns-tracer.ts'
import { ExecTracer } from '../../../src/receivers/ebpf/tracers/exec/exec-tracer.ts'
import { TcpTracer } from '../../../src/receivers/ebpf/tracers/tcp/tcp-tracer.ts'
import { recordingContext } from '../../receivers/ebpf/dns/recording-context.ts'
import { Transcript } from '../../receivers/ebpf/http/transcript.ts'
import { Witness } from '../../receivers/ebpf/http/witness.ts'
import type { Random } from '../random.ts'
import { Reachable } from '../reachable.ts'
import { Finding } from '../target.ts'
import type { Target } from '../target.ts'
import { makeEbpfInput, smallerEbpfInputs } from './input.ts'
import type { EbpfInput } from './input.ts'

const MOST_GROWTH = 64 * 2 ** 20
const MOST_CONNECTIONS = 4
/** A tick so late that all that waits has waited too long. */
const LATE_NS = 1e15
const REDACTION = { builtin: true, names: [], patterns: [] }
const EXEC = { arguments: true, command_line: true, argument_size: 1024, redaction: REDACTION, forks: true }
const DNS = { ports: [53], payload: 512, timeout: 5000, server: true, question_names: true }
const TCP = { peers: 'address', connections: true, survey_interval: 30_000, max_connections: 1024 } as const

/** The tracers of the receiver `ebpf`, over what a ring may hold: real conversations, torn, lost and changed, and bytes that are no events. */
export class EbpfTarget implements Target<EbpfInput> {
  readonly name = 'ebpf'
  readonly parallel = 1
  readonly settleEvery = 2000
  #spans = 0
  #answered = 0
  #records = 0
  readonly #reachable = new Reachable(MOST_GROWTH)

  async open(): Promise<void> {}

  make(random: Random): EbpfInput {
    return makeEbpfInput(random)
  }

  async run({ headBytes, steps }: EbpfInput): Promise<void> {
    const transcript = new Transcript({ headBytes })
    for (const step of steps) {
      if (step.do === 'in' || step.do === 'out')
        transcript[step.do](Buffer.from(step.bytes, 'latin1'), { unread: step.unread })
      else if (step.do === 'lose') transcript.unseen()
      else if (step.do === 'close') transcript.closed()
      else if (step.do === 'event') transcript.events.push(anyEvent(step.type, Buffer.from(step.bytes, 'latin1')))
      else flip(transcript.events.at(-1), step.at, step.value)
    }
    this.#tell(transcript.closed().events)
  }

  #tell(events: readonly Buffer[]): void {
    const witness = new Witness({ connections: MOST_CONNECTIONS })
    const { context, spans, records } = recordingContext()
    const others = { ...context, procPath: '/nowhere' }
    const tracers: Tracer[] = [
      witness.tracer,
      new DnsTracer(others, DNS),
      new TcpTracer(others, TCP),
      new ExecTracer(others, EXEC),
    ]
    const listeners = tracers.map((tracer) => ({ tracer, tally: new Tally('fuzzed') }))
    const engine = new Engine({ listeners, none: new Tally('none'), eventsPerSecond: 0 })
    // Each by itself, so that who reads beyond it is found out.
    for (const record of events.map(framed)) engine.read(record, record.length, 1)
    engine.tick(1)
    engine.tick(LATE_NS)
    const [fault] = engine.takeFaults()
    if (fault !== undefined) throw new Finding(`threw ${fault.split('\n')[0]}`, fault)
    if (witness.tracer.connections > MOST_CONNECTIONS)
      throw new Finding('unbounded', `${witness.tracer.connections} connections are known`)
    for (const { start, end, name } of witness.spans)
      if (end < start) throw new Finding('time', `the span ${name} ends before it begins`)
    this.#spans += witness.spans.length
    this.#answered += witness.spans.filter(({ attributes }) => attributes?.['http.response.status_code']).length
    this.#records += spans.length + records.length
  }

  async settled(): Promise<void> {
    this.#reachable.look()
  }

  async reopen(): Promise<void> {}
  async close(): Promise<void> {}

  smaller = smallerEbpfInputs

  text(input: EbpfInput): string {
    return `${JSON.stringify(input, null, 1)}\n`
  }

  read(text: string): EbpfInput {
    return JSON.parse(text) as EbpfInput
  }

  told(): string {
    return `${this.#spans} spans of HTTP, ${this.#answered} of them answered, ${this.#records} spans and records of others`
  }
}

/** As it lies in the ring. */
function framed(event: Buffer): Buffer {
  const bytes = Buffer.alloc(RECORD_BYTES + Math.ceil(event.length / 8) * 8)
  bytes.writeUInt32LE(event.length, 0)
  event.copy(bytes, RECORD_BYTES)
  return bytes
}

function anyEvent(type: number, bytes: Buffer): Buffer {
  const event = Buffer.alloc(HEADER_BYTES + bytes.length)
  event.writeUInt16LE(type, 0)
  event.writeUInt16LE(1, 2)
  event.writeUInt32LE(event.length, 4)
  event.writeUInt32LE(7, 16)
  bytes.copy(event, HEADER_BYTES)
  return event
}

function flip(event: Buffer | undefined, at: number, value: number): void {
  if (event !== undefined && at < event.length) event[at] = value
}
