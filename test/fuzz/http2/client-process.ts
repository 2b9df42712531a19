import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Look } from '../otlp/fuzzed-telegen.ts'
import { Finding } from '../target.ts'
import type { Done, Task } from './fuzzed-client.ts'

const PROGRAM = fileURLToPath(new URL('fuzzed-client.ts', import.meta.url))
const PROBE = new URL('../otlp/probe.ts', import.meta.url).href
/** What a busy machine may take beyond the timeout of a call. */
const PATIENCE = 10_000
const LOOK = 20_000
const KEPT_OUTPUT = 100_000

/** Telegen's client in a process of its own. */
export class ClientProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (done: Done) => void>()
  /** Of those who wait for something. */
  readonly #rejects = new Set<(finding: Finding) => void>()
  #look: (look: Look) => void = () => {}
  #output = ''

  constructor() {
    this.#child = spawn(process.execPath, ['--expose-gc', '--import', PROBE, PROGRAM], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-KEPT_OUTPUT)
    })
    this.#child.on('message', (message: Done | Look) => {
      if ('id' in message) this.#waiting.get(message.id)?.(message)
      else this.#look(message)
    })
    this.#child.on('error', () => {})
    this.#child.on('exit', () => {
      for (const reject of this.#rejects) reject(new Finding('crash of the client', this.end))
    })
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  get end(): string {
    return `exit code ${this.#child.exitCode}, signal ${this.#child.signalCode}:\n${this.#output}`
  }

  /** Resident memory that is no file's, in bytes. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.#child.pid}/fd`).length
  }

  /** How the calls ended; a finding where they do not. */
  async calls(task: Task): Promise<readonly string[]> {
    const done = new Promise<Done>((resolve) => this.#waiting.set(task.id, resolve))
    this.#child.send(task)
    const { ends } = await this.#inTime(done, 'calls that never end', task.timeout + PATIENCE)
    this.#waiting.delete(task.id)
    return ends
  }

  close(id: number): void {
    if (this.alive) this.#child.send({ close: id })
  }

  async look(): Promise<Look> {
    const look = new Promise<Look>((resolve) => (this.#look = resolve))
    this.#child.send('look')
    return this.#inTime(look, 'hang', LOOK)
  }

  async stop(): Promise<void> {
    if (!this.alive) return
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exit
  }

  async #inTime<T>(wanted: Promise<T>, kind: string, patience: number): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    let rejected: (finding: Finding) => void = () => {}
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(this.#finding(kind, `nothing for ${patience} ms`)), patience)
      rejected = reject
      this.#rejects.add(reject)
    })
    try {
      return await Promise.race([wanted, late])
    } finally {
      clearTimeout(timer)
      this.#rejects.delete(rejected)
    }
  }

  #finding(kind: string, message: string): Finding {
    return this.alive ? new Finding(kind, message) : new Finding('crash of the client', this.end)
  }
}
