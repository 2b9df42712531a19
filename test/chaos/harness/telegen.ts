import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const BUILT = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))
const READY = 'Everything is ready'
/** How Telegen ends a reload, in its log. */
export const IN_EFFECT = 'The new configuration is in effect'
export const SAME = 'The configuration is the same'
export const REFUSED = 'The new configuration is refused'
export const ROLLED_BACK = 'The new configuration could not be started; the old one is back'
const OUTCOMES = [IN_EFFECT, SAME, REFUSED, ROLLED_BACK, 'A reload failed'] as const
const PATIENCE_MS = 30_000
const MAX_OUTPUT = 2_000_000
const OUTPUT_SHOWN = 1_500

export interface TelegenOptions {
  /** `cli/main` of another build. */
  readonly main?: string | undefined
  /** Arguments of Node. */
  readonly node?: readonly string[]
  /** What runs Telegen: `strace -f …`, `prlimit …`. */
  readonly under?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** More arguments of Telegen. */
  readonly args?: readonly string[]
}

/** Telegen as processes that come and go, one at a time, on one configuration file. */
export class Telegen {
  readonly directory: string
  readonly config: string
  options: TelegenOptions
  /** Standard error of all of them. */
  output = ''
  #child: ChildProcess | undefined
  /** Milliseconds that the last start took. */
  startedIn = 0

  constructor(directory: string, options: TelegenOptions = {}) {
    this.directory = directory
    this.config = join(directory, 'telegen.yaml')
    this.options = options
  }

  /** JSON is YAML. */
  configure(configuration: object): void {
    writeFileSync(this.config, JSON.stringify(configuration, null, 2))
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    const began = performance.now()
    const from = this.output.length
    this.launch()
    await this.says(READY, from)
    this.startedIn = Math.round(performance.now() - began)
  }

  /** Starts it and does not wait. */
  launch(): void {
    const { main = process.env['TELEGEN_MAIN'] ?? BUILT, node = [], under = [], env = {}, args = [] } = this.options
    const command = [...under, process.execPath, ...node, main, '--config', this.config, ...args]
    const child = spawn(command[0] as string, command.slice(1), {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.output += text
      if (this.output.length > MAX_OUTPUT)
        this.output = this.output.slice(0, MAX_OUTPUT / 2) + this.output.slice(-MAX_OUTPUT / 4)
    })
    this.#child = child
  }

  /** Resolves when it has written this, from an offset of its output on. */
  async says(text: string, from = 0): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while (!this.output.includes(text, from)) {
      if (!this.isRunning || performance.now() > deadline)
        throw new Error(`Telegen did not say "${text}":\n${this.output.slice(-OUTPUT_SHOWN)}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** The process of Telegen itself, also where something runs it. */
  get pid(): number {
    const own = this.#child?.pid as number
    if (!this.options.under?.length) return own
    const name = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    if (!name(own).includes('strace')) return own
    return Number(readFileSync(`/proc/${own}/task/${own}/children`, 'utf8').trim().split(' ')[0])
  }

  /** Has it read its configuration again, and resolves to what it says of that. */
  async reload(): Promise<string> {
    const from = this.output.length
    this.signal('SIGHUP')
    const outcome = () => OUTCOMES.find((each) => this.output.includes(each, from))
    for (const end = performance.now() + PATIENCE_MS; performance.now() < end;) {
      const said = outcome()
      if (said !== undefined) return said
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    throw new Error(`no word of a reload:\n${this.output.slice(-OUTPUT_SHOWN)}`)
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal)
  }

  /** Its exit code, or the signal that ended it. */
  async end(): Promise<number | NodeJS.Signals | null> {
    const child = this.#child
    if (!child) return null
    if (this.isRunning) await once(child, 'exit')
    return child.exitCode ?? child.signalCode
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    if (!this.isRunning) return
    this.signal('SIGKILL')
    await this.end()
  }

  async stop(): Promise<number | NodeJS.Signals | null> {
    if (this.isRunning) this.signal('SIGTERM')
    return this.end()
  }

  /** Anonymous memory, bytes. */
  get memory(): number {
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]) * 1024
  }
}
