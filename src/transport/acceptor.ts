import { readFileSync } from 'node:fs'
import net from 'node:net'
import type { Log } from '../component/context.ts'
import type { BindAddress } from './bind.ts'

/** What there may be thousands of a second is logged so often, in milliseconds. */
const QUIET = 60_000
/** Connections of an address that nobody serves just now, and how long each may wait for the next server, in milliseconds. */
const MOST_WAITING = 1024
const LONGEST_WAIT = 30_000
/** When the system asks a silent peer whether it is still there, as Go does: one that vanished is found. */
const KEEP_ALIVE_DELAY = 15_000
/** File descriptors that connections leave to files, queues and backends: a quarter of them, and no fewer than this. */
const LEAST_RESERVE = 48

/** Takes one connection. */
export type Take = (socket: net.Socket) => void

export interface Taker {
  readonly take: Take
  readonly allowHalfOpen: boolean
  readonly maxConnections: number
  readonly log: Log
}

/**
 * A listening socket that outlives the servers behind it. Connections that come while there is none wait, unread, for the next.
 */
export class Acceptor {
  readonly #server: net.Server
  /** With what ends the wait. */
  readonly #waiting = new Map<net.Socket, NodeJS.Timeout>()
  #taker: Taker | undefined
  #quietUntil = { error: 0, full: 0 }
  #closedAtOnce = 0

  constructor() {
    this.#server = net.createServer({
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY,
    })
    this.#server.on('connection', (socket) => this.#accept(socket))
    this.#server.on('drop', () => this.#full(`max_connections, ${this.#server.maxConnections}, is reached`))
  }

  /** Rejects with what the system says. */
  async listen(address: BindAddress): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(address, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    // What fails from now on, as when the system has no room for a connection, costs that connection alone.
    this.#server.on('error', (error) => {
      if (this.#isTime('error')) this.#taker?.log.error({ error }, 'A connection could not be accepted')
    })
  }

  /** Null once it is closed. */
  get address(): net.AddressInfo | string | null {
    return this.#server.address()
  }

  /** Every connection from now on is this server's, and those that wait are, in the order in which they came. */
  attach(taker: Taker): void {
    this.#taker = taker
    this.#server.maxConnections = taker.maxConnections
    this.#server.ref()
    for (const [socket, late] of this.#waiting) {
      clearTimeout(late)
      this.#waiting.delete(socket)
      socket.off('error', ignore)
      hand(socket, taker)
    }
  }

  /** Whose connections are; nobody's while it is held. */
  get taker(): Taker | undefined {
    return this.#taker
  }

  detach(): void {
    this.#taker = undefined
  }

  unref(): void {
    this.#server.unref()
  }

  /** Stops listening before it returns. Connections that wait are closed, those that were handed over are not. */
  close(): void {
    this.#server.close()
    for (const socket of this.#waiting.keys()) socket.destroy()
  }

  #accept(socket: net.Socket): void {
    mostAccepted ??= roomForConnections()
    if (accepted >= mostAccepted) {
      this.#full(`${accepted} connections leave few of the process's file descriptors for anything else`)
      return void socket.destroy()
    }
    accepted++
    socket.once('close', () => accepted--)
    if (this.#taker) return hand(socket, this.#taker)
    if (this.#waiting.size >= MOST_WAITING) return void socket.destroy()
    const late = setTimeout(() => socket.destroy(), LONGEST_WAIT).unref()
    this.#waiting.set(socket, late)
    socket.once('close', () => {
      clearTimeout(late)
      this.#waiting.delete(socket)
    })
    socket.on('error', ignore)
  }

  #full(reason: string): void {
    this.#closedAtOnce++
    if (!this.#isTime('full')) return
    this.#taker?.log.warn({ connections: this.#closedAtOnce }, `Connections are closed at once: ${reason}`)
    this.#closedAtOnce = 0
  }

  #isTime(kind: 'error' | 'full'): boolean {
    const now = performance.now()
    if (now < this.#quietUntil[kind]) return false
    this.#quietUntil[kind] = now + QUIET
    return true
  }
}

const ignore = () => {}

function hand(socket: net.Socket, { take, allowHalfOpen }: Taker): void {
  socket.allowHalfOpen = allowHalfOpen
  take(socket)
  socket.resume()
}

/** Open connections of all servers of the process, and how many there may be. */
let accepted = 0
let mostAccepted: number | undefined

function roomForConnections(): number {
  let limits: string
  try {
    limits = readFileSync('/proc/self/limits', 'utf8')
  } catch {
    // Only Linux has this file. Elsewhere the system's own refusal has to do.
    return Infinity
  }
  const descriptors = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Infinity)
  return Math.max(1, descriptors - Math.max(LEAST_RESERVE, descriptors / 4))
}
