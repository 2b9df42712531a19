import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { started } from './children.ts'

/** What became of one task: of an operation, microseconds. */
export interface Done {
  readonly operations: number
  readonly wallUs: number
  /** Processor time of the load's own process and of those that it started. */
  readonly cpuUs: number
  readonly medianUs: number
  readonly p99Us: number
}

export interface Task {
  readonly kind: 'http' | 'connections' | 'dns' | 'spawn' | 'getppid' | 'read' | 'write'
  readonly ms: number
  readonly port?: number
  /** Requests under way at once, each over a connection of its own. */
  readonly connections?: number
  /** Requests a second; 0: as fast as they are answered. */
  readonly rate?: number
}

/** The program `load.c`, on a core of its own. */
export class Load {
  readonly #folder = mkdtempSync(join(tmpdir(), 'telegen-load-'))
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string>

  constructor(core: number) {
    const program = join(this.#folder, 'load')
    execFileSync('clang', ['-O2', '-o', program, fileURLToPath(new URL('load.c', import.meta.url))])
    // taskset becomes the program: its process id is the program's.
    this.#child = started(spawn('taskset', ['-c', String(core), program], { stdio: ['pipe', 'pipe', 'inherit'] }))
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  get pid(): number {
    return this.#child.pid as number
  }

  async do({ kind, ms, port = 0, connections = 1, rate = 0 }: Task): Promise<Done> {
    this.#child.stdin.write(`${kind} ${port} ${connections} ${ms} ${rate}\n`)
    const line = await this.#lines.next()
    if (line.done === true) throw new Error(`the load ended before its time, at ${kind}`)
    return JSON.parse(line.value) as Done
  }

  end(): void {
    this.#child.stdin.end()
    rmSync(this.#folder, { recursive: true })
  }
}
