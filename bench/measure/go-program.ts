import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

const SOURCES = ['main.go', 'go.mod', 'go.sum']
const FOLDER = new URL('../go/', import.meta.url).pathname

/**
 * Builds the program of `bench/go` once, outside the tree, named by the checksum of its sources; returns where it is. Undefined
 * where Go is missing.
 */
export function goProgram(): string | undefined {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  const hash = createHash('sha256')
  for (const source of SOURCES) hash.update(readFileSync(join(FOLDER, source)))
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'telegen')
  const program = join(cache, `pdata-${hash.digest('hex').slice(0, 12)}`)
  if (existsSync(program)) return program
  console.error("building Go's side (a minute)")
  mkdirSync(cache, { recursive: true })
  const unfinished = `${program}.${process.pid}`
  const args = ['build', '-buildvcs=false', '-trimpath', '-ldflags=-s -w', '-o', unfinished, '.']
  execFileSync('go', args, {
    cwd: FOLDER,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, CGO_ENABLED: '0' },
  })
  renameSync(unfinished, program)
  return program
}

/** What became of one window of work. */
export interface Window {
  /** Items that came. */
  readonly items: number
  /** Items that one pass over all variants left. */
  readonly left: number
  /** Processor time of all threads. */
  readonly cpuSeconds: number
}

/** The running program, which works only while a window is asked of it. */
export class GoPeer {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string>

  constructor(program: string, payloads: string, variables: NodeJS.ProcessEnv) {
    this.#child = spawn(program, [payloads], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...variables },
    })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  async window(signal: string, size: string, milliseconds: number): Promise<Window> {
    this.#child.stdin.write(`${signal} ${size} ${milliseconds}\n`)
    const line = await this.#lines.next()
    if (line.done === true) throw new Error("Go's side ended before its time")
    const [items, left, nanoseconds] = line.value.split(' ').map(Number) as [number, number, number]
    return { items, left, cpuSeconds: nanoseconds / 1e9 }
  }

  end(): void {
    this.#child.stdin.end()
  }
}
