import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `TELEGEN_MAIN` spares the build of `dist/`. */
const MAIN = process.env['TELEGEN_MAIN'] ?? fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const READY = 'Everything is ready'
const PATIENCE = 30_000

export interface StartOptions {
  readonly args?: readonly string[]
  /** Writes the configuration in its own way to `telegen.yaml` in the folder. */
  readonly prepare?: (directory: string, yaml: string) => Promise<void>
}

/** Telegen as a process of its own, from `dist/`, as a user runs it. */
export class Telegen {
  readonly directory: string
  readonly pid: number
  /** Standard error until now. */
  output = ''
  readonly #child: ReturnType<typeof spawn>

  constructor(child: ReturnType<typeof spawn>, directory: string) {
    this.#child = child
    this.directory = directory
    this.pid = child.pid as number
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (this.output = (this.output + text).slice(-1_000_000)))
    child.stdout?.resume()
    // A test that failed half-way must not wait for what it left behind.
    for (const handle of [child, child.stdout, child.stderr] as readonly { unref?: () => void }[]) handle.unref?.()
    process.once('exit', () => child.kill('SIGKILL'))
  }

  /** Starts it with `yaml`, and resolves when it is ready. `DIR` in the text stands for its own temporary folder. */
  static async start(yaml: string, { args = [], prepare }: StartOptions = {}): Promise<Telegen> {
    const directory = await mkdtemp(join(tmpdir(), 'telegen-'))
    const config = join(directory, 'telegen.yaml')
    const text = yaml.replaceAll('DIR', directory)
    if (prepare) await prepare(directory, text)
    else await writeFile(config, text)
    // Many run at once: unless a test says where, its metrics are not offered.
    const quiet = yaml.includes('readers:') ? [] : ['--set', 'service.telemetry.metrics.readers=[]']
    const child = spawn(process.execPath, [MAIN, '--config', config, ...quiet, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const telegen = new Telegen(child, directory)
    const deadline = performance.now() + PATIENCE
    while (!telegen.output.includes(READY)) {
      if (child.exitCode !== null || performance.now() > deadline) {
        await telegen.stop()
        throw new Error(`Telegen did not start:\n${telegen.output}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return telegen
  }

  /** Ends it with SIGTERM and resolves to its exit code. Its folder is removed. */
  async stop(): Promise<number | null> {
    const exit = this.#child.exitCode === null ? once(this.#child, 'exit') : Promise.resolve()
    this.#child.ref()
    this.#child.kill('SIGTERM')
    await exit
    await rm(this.directory, { recursive: true, force: true })
    return this.#child.exitCode
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }
}
