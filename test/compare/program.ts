import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
// `TELEGEN_MAIN=src/cli/main.ts` spares the build while one writes a case.
const MAIN = resolve(ROOT, process.env['TELEGEN_MAIN'] ?? 'dist/cli/main.js')
const READY = 'Everything is ready'
const PATIENCE_MS = 30_000
const LONGEST_OUTPUT = 4_000_000

export type Name = 'collector' | 'telegen'
export const NAMES = ['collector', 'telegen'] as const

/** Where the Collector is, or why it is not there. */
export function findCollector(): { readonly path: string } | { readonly missing: string } {
  try {
    return { path: execFileSync(`${ROOT}scripts/otelcol`, ['--find'], { encoding: 'utf8', stdio: 'pipe' }).trim() }
  } catch (error) {
    return { missing: String((error as { stderr?: string }).stderr ?? error).trim() }
  }
}

/** The Collector or Telegen as a process of its own. */
export class Program {
  readonly name: Name
  stdout = ''
  stderr = ''
  readonly #child: ChildProcess

  constructor(
    name: Name,
    collector: string,
    words: readonly string[],
    environment: Readonly<Record<string, string>>,
    directory: string,
  ) {
    this.name = name
    const [file, ...first] = name === 'collector' ? ([collector] as const) : ([process.execPath, MAIN] as const)
    const { PATH = '' } = process.env
    const env = { PATH, HOME: directory, ...environment }
    this.#child = spawn(file, [...first, ...words], {
      cwd: directory,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child.stdout
      ?.setEncoding('utf8')
      .on('data', (text: string) => (this.stdout = (this.stdout + text).slice(-LONGEST_OUTPUT)))
    this.#child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (this.stderr = (this.stderr + text).slice(-LONGEST_OUTPUT)))
  }

  /** Resolves when it takes data in. */
  async ready(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while (!this.stderr.includes(READY)) {
      if (this.#ended || performance.now() > deadline)
        throw new Error(`${this.name} did not start:\n${this.stderr.slice(-4_000)}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** Resolves to the exit code; a program that does not end by itself is ended. */
  async exit(): Promise<number | null> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS)
    if (!this.#ended) await once(this.#child, 'exit')
    clearTimeout(timer)
    return this.#child.exitCode
  }

  /** Ends it as a user does, so that it sends what it holds. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    return this.exit()
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }
}
