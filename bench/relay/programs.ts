import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const READY = 'Everything is ready'
const START_LIMIT_MS = 60_000
const STOP_LIMIT_MS = 20_000
const KEPT_OUTPUT = 8_000

/** Something to compare: anything that takes `--config FILE` and says when it is ready as the Collector does. */
export interface Program {
  readonly name: string
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

export function telegen(main = `${ROOT}dist/cli/main.js`): Program {
  return { name: 'telegen', command: [process.execPath, main], environment: {} }
}

/** The Collector as it comes, and with the garbage collector run less often, as its operators do where memory allows. */
export function collectors(path: string): Program[] {
  return [
    { name: 'otelcol', command: [path], environment: {} },
    { name: 'otelcol GOGC=400', command: [path], environment: { GOGC: '400' } },
  ]
}

/** Where the Collector is, or why it is not there. */
export function findCollector(): { readonly path: string } | { readonly missing: string } {
  try {
    return { path: execFileSync(`${ROOT}scripts/otelcol`, ['--find'], { encoding: 'utf8', stdio: 'pipe' }).trim() }
  } catch (error) {
    return { missing: String((error as { stderr?: string }).stderr ?? error).trim() }
  }
}

const alive = new Set<ChildProcess>()
process.once('exit', () => alive.forEach((child) => child.kill('SIGKILL')))
// Without these an interrupted bench would leave them behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** A program that runs on one core. */
export class Running {
  readonly pid: number
  readonly #child: ChildProcess
  readonly #name: string
  #said = ''

  private constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
    this.pid = child.pid ?? 0
    alive.add(child)
    child.once('exit', () => alive.delete(child))
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#said = (this.#said + text).slice(-KEPT_OUTPUT)))
  }

  static async start(program: Program, configuration: string, folder: string, core: number): Promise<Running> {
    const file = join(folder, `${program.name.replaceAll(/\W/g, '-')}.yaml`)
    writeFileSync(file, configuration)
    // taskset becomes the program: its process id is the program's.
    const child = spawn('taskset', ['-c', String(core), ...program.command, '--config', file], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, ...program.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error))
    const running = new Running(program.name, child)
    await Promise.race([running.#ready(), failed])
    return running
  }

  /** Ends it as a user does; what it said last, where it did not end well. */
  async stop(): Promise<string | undefined> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT_MS)
    this.#child.kill('SIGTERM')
    if (!this.#ended) await once(this.#child, 'exit')
    clearTimeout(timer)
    return this.#child.exitCode === 0 ? undefined : `${this.#name} did not end well: ${this.#said}`
  }

  async #ready(): Promise<void> {
    const limit = performance.now() + START_LIMIT_MS
    while (!this.#said.includes(READY)) {
      if (this.#ended || performance.now() > limit) throw new Error(`${this.#name} did not start:\n${this.#said}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }
}
