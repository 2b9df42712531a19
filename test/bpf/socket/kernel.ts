import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { inProcessLoader, loadAddon, Unavailable } from '../../../src/native.ts'
import type { LoadedTracer, Ring } from '../../../src/native.ts'
import { lengthOf, pidOf, RECORD_BYTES, timeOf, typeOf, unsigned64 } from '../../../src/receivers/ebpf/event.ts'
import {
  EVENT_SOCKET_DATA,
  SOCKET_CLOSED,
  SOCKET_DATA,
  SOCKET_DATA_BYTES,
} from '../../../src/receivers/ebpf/socket/event.ts'
import { SOCKET_RUNGS, socketConstants, socketMapSizes } from '../../../src/receivers/ebpf/tracers/http/rungs.ts'

export interface SocketData {
  readonly kind: 'data'
  readonly pid: number
  readonly time: number
  readonly began: number
  readonly connection: number
  readonly sequence: number
  readonly bytes: number
  readonly run: number
  readonly direction: number
  readonly flags: number
  readonly family: number
  readonly local: string
  readonly localPort: number
  readonly remotePort: number
  readonly tail: string
  readonly name: string
  readonly payload: string
}

export interface SocketClosed {
  readonly kind: 'closed'
  readonly pid: number
  readonly connection: number
  readonly sequence: number
}

export type SocketEvent = SocketData | SocketClosed

/** What traffic.py prints. */
export interface Moved {
  readonly pid: number
  readonly client: number
  readonly server: number
  readonly request: string
  readonly answer: string
}

export interface Settings {
  readonly headBytes?: number
  readonly ringBytes?: number
  readonly unknown?: boolean
  readonly connections?: number
}

const TRAFFIC = fileURLToPath(new URL('traffic.py', import.meta.url))
const DEADLINE_MS = 5000
const POLL_MS = 20
const BUFFER_BYTES = 256 * 1024
const VERDICT_TRACE = 2

/** The socket programs on one rung in this machine's kernel: only what is told to is traced. Or why they cannot be used. */
export async function socketsInKernel(rung: string, settings: Settings = {}): Promise<SocketsInKernel | string> {
  const native = loadAddon()
  if (native.kind === 'unavailable') return native.reason
  const loader = inProcessLoader({
    addon: native.addon,
    folder: native.folder,
    log: { info: () => {}, debug: (fields, message) => process.env.VERIFIER && console.error(message, fields) },
  })
  try {
    const { descriptor } = await loader.ring(settings.ringBytes ?? 4 * 1024 * 1024)
    const loaded = await loader.load({
      tracer: 'http',
      rungs: SOCKET_RUNGS.filter(({ name }) => name === rung),
      constants: {
        ...socketConstants(settings.headBytes ?? 1024),
        trace_unknown: Uint8Array.of(settings.unknown ? 1 : 0),
      },
      mapSizes: socketMapSizes(settings.connections ?? 4096),
    })
    return new SocketsInKernel(new native.addon.Ring(descriptor), loaded, () => loader.close())
  } catch (thrown) {
    await loader.close()
    if (thrown instanceof Unavailable) return thrown.message
    throw thrown
  }
}

export class SocketsInKernel {
  readonly events: SocketEvent[] = []
  readonly #ring: Ring
  readonly #loaded: LoadedTracer
  readonly #closeLoader: () => Promise<void>
  readonly #buffer = Buffer.alloc(BUFFER_BYTES)

  constructor(ring: Ring, loaded: LoadedTracer, close: () => Promise<void>) {
    this.#ring = ring
    this.#loaded = loaded
    this.#closeLoader = close
  }

  get loaded(): LoadedTracer {
    return this.#loaded
  }

  async trace(pid: number): Promise<void> {
    const key = Buffer.alloc(4)
    key.writeUInt32LE(pid)
    await this.#loaded.update('verdicts', key, Uint8Array.of(VERDICT_TRACE))
  }

  /** Runs traffic.py, traced unless said otherwise, to its end. */
  async traffic(args: readonly string[], traced = true): Promise<Moved> {
    return JSON.parse(await this.run('python3', [TRAFFIC, ...args], traced))
  }

  /** Starts a program that waits for a line, has it traced, lets it run, and gives what it printed with its `pid`. */
  async run(command: string, args: readonly string[], traced = true): Promise<string> {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const exit = once(child, 'exit')
    let printed = ''
    child.stdout.on('data', (data: Buffer) => (printed += data.toString()))
    const pid = child.pid as number
    if (traced) await this.trace(pid)
    child.stdin.end('go\n')
    const [code] = (await exit) as [number | null]
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`)
    return JSON.stringify({ pid, ...JSON.parse(printed) })
  }

  /** All events until `enough` of them hold. */
  async until(enough: (events: readonly SocketEvent[]) => boolean): Promise<readonly SocketEvent[]> {
    const deadline = Date.now() + DEADLINE_MS
    for (;;) {
      this.drain()
      if (enough(this.events)) return this.events
      if (Date.now() > deadline) throw new Error(`not within ${DEADLINE_MS} ms; seen: ${told(this.events)}`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  drain(): void {
    for (;;) {
      const end = this.#ring.drain(this.#buffer)
      if (end === 0) return
      for (let at = 0; at < end;) {
        const length = this.#buffer.readUInt32LE(at) & 0x3fff_ffff
        this.events.push(read(this.#buffer, at + RECORD_BYTES))
        at += RECORD_BYTES + Math.ceil(length / 8) * 8
      }
    }
  }

  async close(): Promise<void> {
    this.#ring.close()
    await this.#closeLoader()
  }
}

function read(buffer: Buffer, at: number): SocketEvent {
  const pid = pidOf(buffer, at)
  if (typeOf(buffer, at) !== EVENT_SOCKET_DATA)
    return {
      kind: 'closed',
      pid,
      connection: unsigned64(buffer, at + SOCKET_CLOSED.connection),
      sequence: buffer.readUInt32LE(at + SOCKET_CLOSED.sequence),
    }
  const u8 = (field: keyof typeof SOCKET_DATA): number => buffer.readUInt8(at + SOCKET_DATA[field])
  const u16 = (field: keyof typeof SOCKET_DATA): number => buffer.readUInt16LE(at + SOCKET_DATA[field])
  const u32 = (field: keyof typeof SOCKET_DATA): number => buffer.readUInt32LE(at + SOCKET_DATA[field])
  const text = (from: number, length: number): string => buffer.toString('latin1', at + from, at + from + length)
  if (lengthOf(buffer, at) !== SOCKET_DATA_BYTES + u16('captured')) throw new Error('an event of another length')
  return {
    kind: 'data',
    pid,
    time: timeOf(buffer, at),
    began: unsigned64(buffer, at + SOCKET_DATA.began),
    connection: unsigned64(buffer, at + SOCKET_DATA.connection),
    sequence: u32('sequence'),
    bytes: u32('bytes'),
    run: u32('run'),
    direction: u8('direction'),
    flags: u8('flags'),
    family: u8('family'),
    local: buffer.toString('hex', at + SOCKET_DATA.local_address, at + SOCKET_DATA.local_address + 16),
    localPort: u16('local_port'),
    remotePort: u16('remote_port'),
    tail: text(SOCKET_DATA.tail, u8('tail_bytes')),
    name: text(SOCKET_DATA.name, 16).replace(/\0.*$/s, ''),
    payload: text(SOCKET_DATA_BYTES, u16('captured')),
  }
}

const told = (events: readonly SocketEvent[]): string =>
  events
    .slice(-12)
    .map((event) => JSON.stringify(event))
    .join('\n')
