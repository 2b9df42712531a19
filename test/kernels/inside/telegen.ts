import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Findings, TracerFinding } from '../findings.ts'
import { NAMES } from './traffic.ts'

/** Of an emulated machine. */
const START_MS = 150_000
const STOP_MS = 60_000

/** Which tracers are held to which rung. */
export type Plan = Readonly<Record<string, readonly string[]>>

const OPTIONS: Readonly<Record<string, string>> = {
  http: '{ path: full, connections: 1024 }',
  tcp: '{ connections: true, max_connections: 1024 }',
  dns: `{ ports: [${NAMES}] }`,
  exec: '{}',
}

/** Telegen with a receiver for each rung, all at once, each with a file of its own. */
export class Telegen {
  readonly #process: ChildProcess
  readonly #folder: string
  readonly #plan: Plan
  readonly #tracers: TracerFinding[] = []
  readonly #errors: string[] = []
  readonly #log: string[] = []
  #onReady: (() => void) | undefined

  constructor(main: string, folder: string, plan: Plan) {
    mkdirSync(folder, { recursive: true })
    const config = join(folder, 'config.yaml')
    writeFileSync(config, configOf(folder, plan))
    this.#folder = folder
    this.#plan = plan
    this.#process = spawn(process.execPath, [main, '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] })
    process.once('exit', () => this.#process.kill('SIGKILL'))
    createInterface({ input: this.#process.stderr as NodeJS.ReadableStream }).on('line', (line) => this.#hear(line))
  }

  /** Resolves when each receiver has said of each of its tracers whether it traces. */
  async ready(): Promise<void> {
    const deadline = AbortSignal.timeout(START_MS)
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`Telegen ${why}:\n${this.#log.join('\n')}`))
      this.#onReady = resolve
      this.#process.once('exit', (code) => fail(`ended with ${code}`))
      deadline.addEventListener('abort', () => fail('was not ready in time'))
      this.#check()
    })
  }

  /** What each rung's tracers have emitted until now. */
  lines(): Record<string, string[]> {
    return Object.fromEntries(
      Object.keys(this.#plan).map((rung) => [rung, linesOf(join(this.#folder, `${rung}.jsonl`))]),
    )
  }

  get tracers(): readonly TracerFinding[] {
    return this.#tracers
  }

  /** Ends it, which has it read and write what is under way. */
  async stop(): Promise<Pick<Findings, 'tracers' | 'lines' | 'errors' | 'log'>> {
    const ended = once(this.#process, 'exit', { signal: AbortSignal.timeout(STOP_MS) })
    this.#process.kill('SIGTERM')
    const [code] = (await ended) as [number | null]
    if (code !== 0) this.#errors.push(`Telegen ended with ${code}`)
    return { tracers: this.#tracers, errors: this.#errors, log: this.#log, lines: this.lines() }
  }

  #hear(line: string): void {
    this.#log.push(line)
    const { msg, level, tracer, 'otelcol.component.id': id, rung: used, passed_over: passedOver } = fieldsOf(line)
    const rung = String(id).split('/')[1]
    if (tracer !== undefined && rung !== undefined && (used ?? passedOver) !== undefined)
      this.#tracers.push({ tracer, rung, reason: used ? undefined : (passedOver?.[0]?.reason ?? msg) })
    else if (level === 'error' && msg !== 'Component has failed') this.#errors.push(line)
    this.#check()
  }

  #check(): void {
    if (this.#tracers.length === Object.values(this.#plan).flat().length) this.#onReady?.()
  }
}

interface Line {
  readonly msg?: string
  readonly level?: string
  readonly tracer?: string
  readonly rung?: string
  readonly passed_over?: readonly { readonly reason: string }[]
  readonly 'otelcol.component.id'?: string
}

function fieldsOf(line: string): Line {
  try {
    return JSON.parse(line) as Line
  } catch {
    // What Node itself says is no JSON; where it matters, Telegen ends with it.
    return { msg: line }
  }
}

const linesOf = (path: string): string[] =>
  // What stands behind the last line's end is being written.
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []

/** Signals that a rung's tracers emit. */
const signalsOf = (tracers: readonly string[]): string[] => [
  ...(tracers.some((name) => name === 'http' || name === 'dns') ? ['traces'] : []),
  ...(tracers.some((name) => name === 'tcp' || name === 'exec') ? ['logs'] : []),
]

function configOf(folder: string, plan: Plan): string {
  const rungs = Object.entries(plan)
  const receiver = ([rung, tracers]: (typeof rungs)[number]) =>
    `  ebpf/${rung}:\n    rungs: [${rung}]\n    ring_size: 1MiB\n    tracers: { ${tracers.map((name) => `${name}: ${OPTIONS[name]}`).join(', ')} }`
  const pipelines = rungs.flatMap(([rung, tracers]) =>
    signalsOf(tracers).map(
      (signal) => `    ${signal}/${rung}: { receivers: [ebpf/${rung}], exporters: [file/${rung}] }`,
    ),
  )
  return [
    'receivers:',
    ...rungs.map(receiver),
    'exporters:',
    ...rungs.map(([rung]) => `  file/${rung}: { path: ${join(folder, `${rung}.jsonl`)} }`),
    'service:',
    '  telemetry: { logs: { encoding: json }, metrics: { level: none } }',
    '  pipelines:',
    ...pipelines,
    '',
  ].join('\n')
}
