import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { TracerRequest } from '../../../src/native/loader.ts'

/** What the tests of uprobes stand on: a native part that ships an object with uprobes, and a program to probe. Readable by everybody. */
export interface Ground {
  readonly folder: string
  /** As TELEGEN_PREBUILT names it. */
  readonly prebuilt: string
  /** Needs no library, for roots without any. */
  readonly target: string
}

export function ground(prebuiltFolder: string): Ground {
  const folder = mkdtempSync(join(tmpdir(), 'telegen-uprobes-'))
  chmodSync(folder, 0o755)
  const prebuilt = join(folder, 'prebuilt')
  mkdirSync(join(prebuilt, 'bpf/test'), { recursive: true })
  copyFileSync(join(prebuiltFolder, 'telegen.node'), join(prebuilt, 'telegen.node'))
  const source = (name: string): string => join(import.meta.dirname, name)
  const machine = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim()
  const include = join(import.meta.dirname, '../../../bpf/include')
  const flags = ['-O2', '-g', '-target', 'bpf', '-mcpu=v3', '-Wall', `-I/usr/include/${machine}-linux-gnu`]
  const object = join(prebuilt, 'bpf/test/probes.bpf.o')
  execFileSync('clang', [...flags, `-I${include}`, '-c', source('probes.bpf.c'), '-o', object])
  const target = join(folder, 'target')
  execFileSync('clang', ['-O1', '-static', source('target.c'), '-o', target])
  return { folder, prebuilt, target }
}

export const PROBES: TracerRequest = {
  tracer: 'probes',
  rungs: [
    {
      name: 'uprobe',
      needs: ['uprobe_multi'],
      object: 'test/probes',
      probes: ['on_function', 'on_functions', 'on_kernel'],
    },
  ],
  constants: {},
  mapSizes: {},
}

/** A running target. */
export class Target {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>

  constructor(command: string, ...args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** Has it call its functions so many times; resolves when it has. */
  async call(times: number): Promise<void> {
    for (let done = 0; done < times; done++) {
      const answered = once(this.#child.stdout, 'data')
      this.#child.stdin.write('x')
      await answered
    }
  }

  send(text: string): void {
    this.#child.stdin.write(text)
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }
}
