import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../../free-ports.ts'
import type { Certificate } from '../../transport/certificates.ts'
import { Finding } from '../target.ts'

/** The source, unless a build is named. */
const MAIN = process.env['TELEGEN_MAIN'] ?? fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
const PROBE = new URL('probe.ts', import.meta.url).href
const READY = 'Everything is ready'
const START = 60_000
const STOP = 30_000
const LOOK = 20_000
const KEPT_OUTPUT = 200_000

export interface Ports {
  /** gRPC over TLS, where there is a certificate. */
  readonly tls: number
  readonly work: { readonly grpc: number; readonly http: number }
  readonly pass: { readonly grpc: number; readonly http: number }
}

export interface Look {
  /** Bytes that are reachable, of the heap and beside it. */
  readonly heap: number
  /** The longest time that the event loop was busy at a stretch since the last look, in milliseconds. */
  readonly stall: number
}

/** The Telegen that is fuzzed: a process of its own, with every kind of stage behind one receiver, and nothing but a queue on disk behind the other. */
export class FuzzedTelegen {
  readonly ports: Ports
  readonly #child: ChildProcess
  readonly #directory: string
  readonly #metricsPort: number
  #output = ''

  private constructor(child: ChildProcess, directory: string, ports: Ports, metrics: number) {
    this.#child = child
    this.#directory = directory
    this.ports = ports
    this.#metricsPort = metrics
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-KEPT_OUTPUT)
    })
  }

  /** `sink`: the port of an OTLP/HTTP backend. `write` writes another configuration, with its metrics at that port. */
  static async start(sink: number, write: Write = configuration()): Promise<FuzzedTelegen> {
    const [a, b, c, d, tls, metrics] = (await freePorts(6)) as [number, number, number, number, number, number]
    const ports = { work: { grpc: a, http: b }, pass: { grpc: c, http: d }, tls }
    const directory = await mkdtemp(join(tmpdir(), 'telegen-fuzz-'))
    const config = join(directory, 'telegen.yaml')
    await writeFile(config, write(ports, sink, metrics, join(directory, 'store')))
    const words = ['--expose-gc', '--import', PROBE, MAIN, '--config', config]
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    const telegen = new FuzzedTelegen(child, directory, ports, metrics)
    const deadline = performance.now() + START
    while (!telegen.#output.includes(READY)) {
      if (!telegen.alive || performance.now() > deadline)
        throw new Error(`the fuzzed Telegen did not start:\n${telegen.#output}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return telegen
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Resident memory that is no file's, in bytes. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.#child.pid}/fd`).length
  }

  /** What it says when asked: an event loop that does not turn says nothing. */
  async look(): Promise<Look> {
    this.#child.send('look')
    try {
      const [look] = (await once(this.#child, 'message', { signal: AbortSignal.timeout(LOOK) })) as [Look]
      return look
    } catch (error) {
      throw new Finding('hang', `the event loop did not turn for ${LOOK} ms`, { cause: error })
    }
  }

  /** What it tells of itself, as Prometheus reads it. */
  async metrics(): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`, { signal: AbortSignal.timeout(LOOK) })
    return answer.text()
  }

  /** Bytes that are charged to the budgets of all signals. */
  async charged(): Promise<number> {
    const lines = (await this.metrics()).split('\n').filter((line) => /^telegen_budget_used(_bytes)?\{/.test(line))
    if (lines.length === 0) throw new Error('the metrics do not say what is charged')
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  /** Lines at the level of error since the last call: something was thrown that nobody foresaw, or data was lost. */
  errors(): string[] {
    const lines = this.#output.split('\n').filter((line) => line.includes('\terror\t'))
    this.#output = ''
    return lines
  }

  /** How the process ended, where it did by itself. */
  get end(): string {
    return `exit code ${this.#child.exitCode}, signal ${this.#child.signalCode}:\n${this.#output}`
  }

  /** SIGTERM, and the exit code; SIGKILL where that takes too long. */
  async stop(): Promise<number | null> {
    if (this.alive) {
      const exit = once(this.#child, 'exit')
      this.#child.kill('SIGTERM')
      const killing = setTimeout(() => this.#child.kill('SIGKILL'), STOP)
      await exit
      clearTimeout(killing)
    }
    await rm(this.#directory, { recursive: true, force: true })
    return this.#child.exitCode
  }
}

const receiver = ({ grpc, http }: Ports['work']) => `{ protocols: {
    grpc: { endpoint: "127.0.0.1:${grpc}", max_recv_msg_size_mib: 1, include_metadata: true },
    http: { endpoint: "127.0.0.1:${http}", max_request_body_size: 1MiB, include_metadata: true } } }`

const secure = (port: number, { cert, key }: Certificate): string => `
  otlp/tls: { protocols: { grpc: { endpoint: "127.0.0.1:${port}", max_recv_msg_size_mib: 1, tls: { cert_file: "${cert}", key_file: "${key}" } } } }`

export type Write = (ports: Ports, sink: number, metrics: number, store: string) => string

/** Every kind of stage; with a certificate, a receiver behind TLS as well. */
export const configuration =
  (certificate?: Certificate): Write =>
  ({ work, pass, tls }, sink, metrics, store) => `
receivers:
  otlp/work: ${receiver(work)}
  otlp/pass: ${receiver(pass)}${certificate ? secure(tls, certificate) : ''}
processors:
  attributes:
    actions:
      - { key: fuzz, value: 1, action: insert }
      - { key: peer, from_attribute: host.name, default_value: none, action: upsert }
      - { key: k, action: hash }
      - { key: host.name, pattern: '^(?P<scheme>[a-z]+)', action: extract }
      - { key: constructor, converted_type: int, action: convert }
      - { pattern: '^x', action: delete }
  resource: { attributes: [{ key: host.name, value: fuzzed, action: upsert }] }
  filter:
    spans: { exclude: { match_type: strict, span_names: [x] } }
    logs: { include: { severity_number: { min: TRACE, match_undefined: true } } }
  probabilistic_sampler: { sampling_percentage: 90 }
  batch: { timeout: 50ms, send_batch_size: 100, send_batch_max_size: 150 }
connectors:
  count:
    spans: { span.count: { attributes: [{ key: service.name, default_value: none }] } }
    logs: { log.count: }
exporters:
  otlp_http/work: { endpoint: "http://127.0.0.1:${sink}/work", compression: none, retry_on_failure: { enabled: false } }
  otlp_http/pass: { endpoint: "http://127.0.0.1:${sink}/pass", compression: none, sending_queue: { storage: file_storage } }
  file: { path: /dev/null, append: true }
  debug: { verbosity: detailed, sampling_initial: 1000, sampling_thereafter: 10, use_internal_logger: false, output_paths: [stdout] }
extensions:
  file_storage: { directory: "${store}" }
service:
  extensions: [file_storage]
  limits: { traces: 32MiB, metrics: 32MiB, logs: 32MiB, profiles: 32MiB }
  telemetry: { metrics: { readers: [{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: ${metrics} } } } }] } }
  pipelines:
    traces/work: { receivers: [otlp/work${certificate ? ', otlp/tls' : ''}], processors: [resource, attributes, filter, probabilistic_sampler, batch], exporters: [otlp_http/work, file, debug, count] }
    metrics/work: { receivers: [otlp/work${certificate ? ', otlp/tls' : ''}], processors: [resource, attributes, batch], exporters: [otlp_http/work, file, debug] }
    logs/work: { receivers: [otlp/work${certificate ? ', otlp/tls' : ''}], processors: [resource, attributes, filter, batch], exporters: [otlp_http/work, file, debug, count] }
    profiles/work: { receivers: [otlp/work${certificate ? ', otlp/tls' : ''}], processors: [batch], exporters: [otlp_http/work] }
    metrics/count: { receivers: [count], exporters: [debug] }
    traces/pass: { receivers: [otlp/pass], exporters: [otlp_http/pass] }
    metrics/pass: { receivers: [otlp/pass], exporters: [otlp_http/pass] }
    logs/pass: { receivers: [otlp/pass], exporters: [otlp_http/pass] }
    profiles/pass: { receivers: [otlp/pass], exporters: [otlp_http/pass] }
`
