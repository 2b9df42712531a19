import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { createServer as createTlsServer, Server as TlsServer, TLSSocket } from 'node:tls'
import { serve } from './peer.ts'

/** A TCP proxy in front of the backend that hurts its connections as it is told to, and counts what it did. */
export interface Rules {
  /** Milliseconds that each chunk waits, either way. */
  readonly delay?: number
  /** Of each connection, towards the backend. */
  readonly bytesPerSecond?: number
  /** Nothing goes on either way, nothing is closed: a firewall that drops packets. */
  readonly blackHole?: boolean
  /** Each connection is reset when so many bytes of it have gone to the backend… */
  readonly resetAfter?: number
  /** …until so many were. */
  readonly resets?: number
}

export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface Deeds {
  /** TCP connections, whatever became of them. */
  accepted: number
  handshakesFailed: number
  /** Those that had a backend to go to. */
  connections: number
  refused: number
  delayed: number
  throttled: number
  swallowed: number
  resets: number
  halfClosed: number
}

const SLICE_MS = 20

let rules: Rules = {}
let server: Server
const pairs = new Set<Pair>()
/** What the black hole holds: as TCP would, it goes on in order when the hole closes. */
const waiting: (() => void)[] = []
const deeds: Deeds = {
  accepted: 0,
  handshakesFailed: 0,
  connections: 0,
  refused: 0,
  delayed: 0,
  throttled: 0,
  swallowed: 0,
  resets: 0,
  halfClosed: 0,
}

const service = {
  /** With a certificate, clients speak TLS to the proxy; the backend never does. */
  async open({ port, to, tls }: { port: number; to: number; tls?: Certificate | undefined }): Promise<void> {
    server = tls
      ? createTlsServer({ ...tls, allowHalfOpen: true }, (client) => new Pair(client, to))
      : createServer({ allowHalfOpen: true }, (client) => new Pair(client, to))
    server.on('connection', () => deeds.accepted++)
    server.on('tlsClientError', () => deeds.handshakesFailed++)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  },
  /** For connections that stand as for new ones. */
  rule(given: Rules): void {
    rules = given
    if (given.blackHole) return
    for (const goOn of waiting.splice(0)) goOn()
  },
  /** Of connections to come. */
  certificate(given: Certificate): void {
    if (server instanceof TlsServer) server.setSecureContext(given)
  },
  resetAll(): void {
    for (const pair of pairs) pair.reset()
  },
  /** Says to every client that no more will come, and listens on. */
  halfCloseAll(): void {
    for (const { client } of pairs) {
      deeds.halfClosed++
      client.end()
    }
  },
  deeds: () => deeds,
}

export type Proxy = typeof service

class Pair {
  readonly client: Socket
  readonly #upstream: Socket
  #towardsBackend = 0

  constructor(client: Socket, to: number) {
    deeds.connections++
    this.client = client
    this.#upstream = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true })
    pairs.add(this)
    this.#upstream.on('error', () => {
      deeds.refused++
      client.destroy()
    })
    client.on('error', () => this.#upstream.destroy())
    client.on('close', () => {
      pairs.delete(this)
      this.#upstream.destroy()
    })
    this.#upstream.on('close', () => client.destroy())
    this.#pass(client, this.#upstream, true)
    this.#pass(this.#upstream, client, false)
  }

  reset(): void {
    deeds.resets++
    // A TLS socket cannot be reset from here; its connection ends without a word all the same.
    if (this.client instanceof TLSSocket) this.client.destroy()
    else this.client.resetAndDestroy()
    this.#upstream.resetAndDestroy()
  }

  #pass(from: Socket, to: Socket, towardsBackend: boolean): void {
    from.on('end', () => void held().then(() => to.end()))
    from.on('data', (chunk: Buffer) => {
      if (towardsBackend) this.#towardsBackend += chunk.length
      const after = rules.resetAfter
      if (
        towardsBackend &&
        after !== undefined &&
        this.#towardsBackend >= after &&
        deeds.resets < (rules.resets ?? Infinity)
      ) {
        to.write(chunk.subarray(0, Math.max(0, chunk.length - (this.#towardsBackend - after))), () => this.reset())
        from.pause()
        return
      }
      void this.#forward(chunk, from, to, towardsBackend)
    })
  }

  async #forward(chunk: Buffer, from: Socket, to: Socket, towardsBackend: boolean): Promise<void> {
    from.pause()
    await held(() => deeds.swallowed++)
    if (rules.delay) {
      deeds.delayed++
      await pause(rules.delay)
    }
    for (let at = 0; at < chunk.length && !to.destroyed;) {
      const { bytesPerSecond } = rules
      const slice =
        bytesPerSecond && towardsBackend ? Math.max(1, Math.floor((bytesPerSecond * SLICE_MS) / 1000)) : chunk.length
      const flushed = to.write(chunk.subarray(at, at + slice))
      at += slice
      if (bytesPerSecond && towardsBackend) {
        deeds.throttled++
        await pause(SLICE_MS)
      } else if (!flushed && !to.destroyed) await drained(to)
    }
    from.resume()
  }
}

async function held(tell?: () => void): Promise<void> {
  if (!rules.blackHole) return
  tell?.()
  await new Promise<void>((resolve) => waiting.push(resolve))
}

/** Or gone: who closed it while something was held for it is not to be waited for. */
const drained = (to: Socket): Promise<unknown> =>
  Promise.race([once(to, 'drain'), once(to, 'close')]).catch(() => undefined)

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

serve(service)
