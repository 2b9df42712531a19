import { execFile, execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

const LIMIT_MS = 20_000

export interface Output {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** A network namespace of its own, in which programs run: nothing else of the machine is there. */
export class Network {
  readonly name: string
  readonly #children: ChildProcess[] = []

  /** Throws where it cannot be made. `resolver`: its `/etc/resolv.conf`, as programs in it see it. */
  constructor(name: string, resolver?: string) {
    this.name = `${name}-${process.pid}`
    execFileSync('ip', ['netns', 'add', this.name])
    this.ip('link', 'set', 'lo', 'up')
    if (resolver === undefined) return
    mkdirSync(`/etc/netns/${this.name}`, { recursive: true })
    writeFileSync(`/etc/netns/${this.name}/resolv.conf`, resolver)
  }

  ip(...words: readonly string[]): void {
    execFileSync('ip', ['-n', this.name, ...words])
  }

  run(program: string, ...words: readonly string[]): Promise<Output> {
    return new Promise((resolve) => {
      const all = ['netns', 'exec', this.name, program, ...words]
      execFile('ip', all, { timeout: LIMIT_MS }, (error, stdout, stderr) =>
        resolve({ status: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
      )
    })
  }

  /** Runs until `close`. */
  spawn(program: string, ...words: readonly string[]): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.name, program, ...words], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#children.push(child)
    return child
  }

  /** Tries until the program says that it worked. */
  async until(program: string, ...words: readonly string[]): Promise<void> {
    for (let tries = 0; tries < 50; tries++) {
      if ((await this.run(program, ...words)).status === 0) return
      await setTimeout(50)
    }
    throw new Error(`${program} ${words.join(' ')} never worked`)
  }

  async close(): Promise<void> {
    for (const child of this.#children)
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
    execFileSync('ip', ['netns', 'delete', this.name])
    rmSync(`/etc/netns/${this.name}`, { recursive: true, force: true })
  }
}

/** Why no network namespace can be made here; undefined where it can. */
export function whyNoNetwork(programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root, for a network namespace'
  for (const program of ['ip', ...programs])
    try {
      execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    } catch {
      return `needs ${program}`
    }
  return undefined
}
