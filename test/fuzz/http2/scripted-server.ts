import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import tls from 'node:tls'
import type { Certificate } from '../../transport/certificates.ts'
import { framed } from '../otlp/input.ts'
import { OVERWRITTEN } from './fuzzed-client.ts'
import * as h2 from './frames.ts'
import type { Part } from './input.ts'

/** How long a part waits for its stream, in milliseconds. */
const PATIENCE = 60
const OK = h2.block([
  [':status', '200'],
  ['content-type', 'application/grpc'],
])
const TRAILERS = h2.block([['grpc-status', '0']])

/** Says on its first connection what it is told to, if anything, and is a good server on all others. */
export class ScriptedServer {
  /** Whether something was sent that its owner had been told was its own again. */
  hasStale = false
  connections = 0
  requests = 0
  readonly #parts: readonly Part[]
  readonly #patience: number
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()
  #wake: () => void = () => {}

  /** `certificate`: behind TLS. `patience`: what is said before its time is an answer to nobody, which is not sound. */
  constructor(parts: readonly Part[], certificate?: Certificate, patience = PATIENCE) {
    this.#parts = parts
    this.#patience = patience
    this.#server = certificate
      ? tls.createServer(securely(certificate), (socket) => this.#take(socket))
      : net.createServer((socket) => this.#take(socket))
  }

  async open(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as net.AddressInfo).port
  }

  /** Asks all who are connected to connect anew, and does not wait for them. */
  goAway(): void {
    const last = Buffer.concat([h2.uint32(2 ** 31 - 1), h2.uint32(0)])
    for (const socket of this.#sockets) socket.write(h2.frameBytes(h2.frame(h2.GOAWAY, 0, 0, last)))
  }

  /** Ends all connections that there are; new ones are taken. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.drop()
    this.#server.close()
  }

  #take(socket: net.Socket): void {
    const isFirst = this.connections++ === 0 && this.#parts.length > 0
    this.#sockets.add(socket)
    let opened = 0
    let left = h2.PREFACE.length
    const frames = new h2.Frames((frame) => {
      if (frame.type === h2.HEADERS) this.requests++
      if (frame.type === h2.HEADERS) opened = Math.max(opened, frame.stream)
      if (frame.type === h2.DATA && frame.payload.includes(OVERWRITTEN)) this.hasStale = true
      if (!isFirst) answer(socket, frame)
    })
    socket.on('data', (bytes: Buffer) => {
      const skipped = Math.min(left, bytes.length)
      left -= skipped
      frames.read(bytes.subarray(skipped))
      this.#wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#wake()
    })
    if (isFirst) void this.#say(socket, () => opened)
    else socket.write(h2.frameBytes(h2.frame(h2.SETTINGS, 0, 0)))
  }

  async #say(socket: net.Socket, opened: () => number): Promise<void> {
    for (const { bytes, after } of this.#parts) {
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        this.#wake()
      }, this.#patience)
      while (opened() < after && !socket.destroyed && !isLate)
        await new Promise<void>((resolve) => (this.#wake = resolve))
      clearTimeout(timer)
      if (socket.destroyed) return
      socket.write(bytes)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

const securely = ({ cert, key }: Certificate): tls.TlsOptions => ({
  cert: readFileSync(cert),
  key: readFileSync(key),
  ALPNProtocols: ['h2'],
})

/** As much of a server as a client needs. */
function answer(socket: net.Socket, { type, flags, stream, payload }: h2.Frame): void {
  if (type === h2.SETTINGS && !(flags & h2.ACK)) socket.write(h2.frameBytes(h2.frame(h2.SETTINGS, h2.ACK, 0)))
  if (type === h2.PING && !(flags & h2.ACK)) socket.write(h2.frameBytes(h2.frame(h2.PING, h2.ACK, 0, payload)))
  if (type === h2.DATA && payload.length > 0)
    for (const each of flags & h2.END_STREAM ? [0] : [0, stream])
      socket.write(h2.frameBytes(h2.frame(h2.WINDOW_UPDATE, 0, each, h2.uint32(payload.length))))
  if (type !== h2.DATA || !(flags & h2.END_STREAM)) return
  socket.write(h2.frameBytes(h2.frame(h2.HEADERS, h2.END_HEADERS, stream, OK)))
  socket.write(h2.frameBytes(h2.frame(h2.DATA, 0, stream, framed(h2.NOTHING))))
  socket.write(h2.frameBytes(h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, stream, TRAILERS)))
}
