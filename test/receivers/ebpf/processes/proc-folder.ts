import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Written {
  readonly name: string
  readonly parent?: number
  readonly start: number
  readonly executable?: string
  readonly arguments?: readonly string[]
  readonly environment?: readonly string[]
  readonly user?: number
  readonly cgroup?: string
  readonly namespace?: string
  /** Inodes of its sockets. */
  readonly sockets?: readonly number[]
  /** Ports that are listened on in its namespace, by inode. */
  readonly listening?: Readonly<Record<number, number>>
}

/** A folder that looks like `/proc`: what a test cannot have happen in the real one, such as a pid that is used again. */
export class ProcFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'telegen-proc-'))

  constructor() {
    mkdirSync(join(this.path, '1/root/etc'), { recursive: true })
    writeFileSync(join(this.path, '1/root/etc/passwd'), 'root:x:0:0::/root:/bin/sh\nshop:x:1000:1000::/:/bin/sh\n')
  }

  write(pid: number, process: Written): void {
    this.remove(pid)
    const folder = join(this.path, String(pid))
    for (const each of ['fd', 'ns', 'net']) mkdirSync(join(folder, each), { recursive: true })
    const file = (name: string, text: string) => writeFileSync(join(folder, name), text)
    const { name, parent = 1, start, executable, sockets = [], listening = {} } = process
    file('stat', `${pid} (${name}) S ${parent} ${pid} ${pid} 0 -1 4194304 ${'0 '.repeat(12)}${start} 1 2 3\n`)
    file('cmdline', (process.arguments ?? [name]).map((each) => `${each}\0`).join(''))
    file('environ', (process.environment ?? []).map((each) => `${each}\0`).join(''))
    file('status', `Name:\t${name}\nUid:\t${process.user ?? 0}\t0\t0\t0\n`)
    file('cgroup', `0::${process.cgroup ?? '/'}\n`)
    if (executable !== undefined) symlinkSync(executable, join(folder, 'exe'))
    symlinkSync(process.namespace ?? 'net:[1]', join(folder, 'ns/net'))
    for (const [at, inode] of sockets.entries()) symlinkSync(`socket:[${inode}]`, join(folder, 'fd', String(at)))
    file('net/tcp', table(listening))
    file('net/tcp6', table({}))
  }

  remove(pid: number): void {
    rmSync(join(this.path, String(pid)), { recursive: true, force: true })
  }

  close(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** As the kernel writes it. */
function table(listening: Readonly<Record<number, number>>): string {
  const row = (at: number, port: number, state: string, inode: number | string) =>
    `   ${at}: 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 00000000d86e6ce0 100 0 0 10 0\n`
  const rows = Object.entries(listening).map(([inode, port], at) => row(at, port, '0A', inode))
  return `  sl  local_address rem_address   st tx_queue\n${rows.join('')}${row(99, 7, '01', 7777)}`
}
